//! Where messages end, what a connection may drop of them, and what follows them (S45).

use super::messages::through;
use super::{Rig, until};

/// The error that a request gets.
async fn refusal(request: &str) -> (u16, String) {
    let rig = Rig::new().await;
    let mut client = rig.client().await;
    client.send(request).await;
    let refused = client.message().await;
    (refused.status(), refused.error_type())
}

#[tokio::test]
async fn a_request_with_another_coding_than_chunked_is_refused_s45a() {
    for codings in ["gzip, chunked", "chunked, chunked", "chunked\r\ntransfer-encoding: chunked"] {
        let request = format!("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: {codings}\r\n\r\n0\r\n\r\n");
        assert_eq!(refusal(&request).await, (400, "bad_framing".to_owned()), "{codings}");
    }
}

#[tokio::test]
async fn a_malformed_chunk_is_answered_with_what_is_wrong_s38f() {
    let bombs = [
        format!("2;{}\r\nab\r\n0\r\n\r\n", "e".repeat(20_000)),
        format!("0\r\n{}\r\n", "a: b\r\n".repeat(5_000)),
    ];
    for chunks in [
        "zz\r\n",
        "2 x\r\nab\r\n",
        "2\r\nabc\r\n",
        "-1\r\n",
        "2\nab\n",
        "11111111111111111\r\n",
        &bombs[0],
        &bombs[1],
    ] {
        let mut rig = Rig::new().await;
        let runner = rig.runner();
        let mut client = rig.client().await;
        let head = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
        client.send(&format!("{head}{chunks}")).await;
        let _connection = runner.accept().await;
        let refused = client.message().await;
        assert_eq!((refused.status(), refused.error_type().as_str()), (400, "broken_body"), "{chunks:.30}");
        assert!(refused.body.contains("chunked"), "{}", refused.body);
        assert!(rig.balancer.take_asked().is_empty());
    }
}

#[tokio::test]
async fn a_request_with_a_coding_and_a_length_is_refused_and_its_connection_closes_s45a() {
    let rig = Rig::new().await;
    for fields in [
        "content-length: 3\r\ntransfer-encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 3",
        "content-length: 3\r\nx: y\r\ncontent-length: 3\r\ntransfer-encoding: chunked",
    ] {
        let request = format!("POST / HTTP/1.1\r\nhost: a\r\n{fields}\r\n\r\n2\r\nab\r\n0\r\n\r\n");
        for cut in [0, request.find("ength").unwrap(), request.find("oding").unwrap()] {
            let mut client = rig.client().await;
            let (first, rest) = request.split_at(cut);
            client.send(first).await;
            tokio::task::yield_now().await;
            client.send(rest).await;
            let refused = client.message().await;
            assert_eq!((refused.status(), refused.error_type().as_str()), (400, "bad_framing"), "{fields}");
            assert_eq!(refused.header("connection"), Some("close"));
            client.closed().await;
        }
    }
}

#[tokio::test]
async fn after_an_empty_line_a_request_with_a_coding_and_a_length_is_forwarded_by_its_coding_s45a() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    let head = "\r\nPOST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n";
    client.send(&format!("{head}2\r\nab\r\n0\r\n\r\n")).await;
    let mut connection = runner.accept().await;
    let request = connection.message().await;
    assert_eq!((request.body.as_str(), request.header("content-length")), ("ab", None));
    connection.answer("ok").await;
    assert_eq!(client.message().await.header("connection"), Some("close"));
    client.closed().await;
}

#[tokio::test]
async fn a_length_in_a_chunked_body_or_in_an_earlier_request_is_no_length_s45a() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    let mut connection = None;
    let chunked = "POST /2 HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n\
                   15\r\n\r\ncontent-length: 3\r\n\r\n0\r\n\r\n";
    let sized = "POST /1 HTTP/1.1\r\nhost: a\r\ncontent-length: 19\r\n\r\ncontent-length: 3\r\n";
    for _ in 0..2 {
        client.send(sized).await;
        let mut upstream = match connection.take() {
            Some(connection) => connection,
            None => runner.accept().await,
        };
        assert_eq!(upstream.message().await.body, "content-length: 3\r\n");
        upstream.answer("1").await;
        assert_eq!(client.message().await.body, "1");
        client.send(chunked).await;
        assert_eq!(upstream.message().await.body, "\r\ncontent-length: 3\r\n");
        upstream.answer("2").await;
        assert_eq!(client.message().await.body, "2");
        connection = Some(upstream);
    }
}

#[tokio::test]
async fn a_chunked_request_that_is_sent_early_is_not_refused_for_the_length_of_another_s45a() {
    let sized = "POST /1 HTTP/1.1\r\nhost: a\r\ncontent-length: 19\r\n\r\ncontent-length: 3\r\n";
    let chunked = "POST /2 HTTP/1.1\r\nhost: a\r\nx-content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n\
                   15\r\n\r\ncontent-length: 3\r\n\r\n0\r\n\r\n";
    for cut in 0..chunked.len() {
        let mut rig = Rig::new().await;
        let runner = rig.runner();
        let mut client = rig.client().await;
        let (early, late) = chunked.split_at(cut);
        client.send(&format!("{sized}{early}")).await;
        let mut connection = runner.accept().await;
        connection.message().await;
        connection.answer("1").await;
        assert_eq!(client.message().await.body, "1");
        client.send(late).await;
        assert_eq!(connection.message().await.body, "\r\ncontent-length: 3\r\n", "{cut}");
        connection.answer("2").await;
        assert_eq!(client.message().await.body, "2");
    }
}

#[tokio::test]
async fn a_response_whose_end_is_ambiguous_is_answered_runner_disconnected_s45a() {
    for framing in [
        "transfer-encoding: chunked\r\ncontent-length: 2",
        "content-length: 2\r\ntransfer-encoding: chunked",
        "transfer-encoding: gzip, chunked",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked",
    ] {
        let response = format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n2\r\nok\r\n0\r\n\r\n");
        let (_, response) = through("GET / HTTP/1.1\r\nhost: a\r\n\r\n", &response).await;
        assert_eq!(
            (response.status(), response.error_type().as_str()),
            (503, "runner_disconnected"),
            "{framing}"
        );
    }
}

#[tokio::test]
async fn the_connection_header_removes_no_field_of_the_message_s45b() {
    for name in [
        "host",
        "content-length",
        "authorization",
        "Cookie",
        "x-forwarded-for",
        "forwarded",
        "x-fal-request-id",
    ] {
        let request = format!("GET / HTTP/1.1\r\nhost: a\r\nconnection: close, {name}\r\n\r\n");
        assert_eq!(refusal(&request).await, (400, "bad_connection".to_owned()), "{name}");
    }
}

#[tokio::test]
async fn a_connection_header_with_a_byte_that_is_not_ascii_is_obeyed_as_well_s45b() {
    let request = "GET / HTTP/1.1\r\nhost: a\r\nconnection: \u{e9}, Authorization\r\n\r\n";
    assert_eq!(refusal(request).await, (400, "bad_connection".to_owned()));
    let (request, response) = through(
        "GET / HTTP/1.1\r\nhost: a\r\nconnection: \u{e9}, X-Hop\r\nx-hop: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: X-Hop, \u{e9}\r\nx-hop: 1\r\n\r\n",
    )
    .await;
    assert_eq!((request.header("x-hop"), response.header("x-hop")), (None, None));
}

#[tokio::test]
async fn a_response_asks_for_a_check_even_if_its_connection_header_names_the_ask_s27() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let (mut client, mut connection) = rig.request("/", &runner).await;
    let headers = "connection: x-fal-runner-health-check, set-cookie\r\nx-fal-runner-health-check: 1\r\nset-cookie: a\r\n";
    connection.answer_with(headers, "ok").await;
    let response = client.message().await;
    assert!(response.all("x-fal-runner-health-check").is_empty());
    assert_eq!(response.header("set-cookie"), Some("a"), "a field of the message stays");
    until(|| rig.balancer.in_flight(runner.id) == 0).await;
    assert_eq!(rig.balancer.take_asked(), [runner.id]);
}

#[tokio::test]
async fn trailers_of_a_request_say_nothing_that_its_head_has_to_say_s45c() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    let head = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\
                trailer: x-sum, x-fal-runner-health-check, authorization, content-length\r\n\r\n";
    let trailers =
        "x-sum: 7\r\nx-fal-runner-health-check: 1\r\nauthorization: b\r\ncontent-length: 9\r\n\r\n";
    client.send(&format!("{head}2\r\nok\r\n0\r\n{trailers}")).await;
    let mut connection = runner.accept().await;
    connection.head().await;
    assert_eq!(connection.chunk().await.unwrap(), "ok");
    for line in ["0", "x-sum: 7", ""] {
        assert_eq!(connection.line().await, line);
    }
}

#[tokio::test]
async fn trailers_that_are_not_forwarded_are_not_announced_s45c() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    let announced = "trailer: x-forwarded-for, content-length, x-ok\r\n";
    client.send(&format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n{announced}\r\nok")).await;
    let mut connection = runner.accept().await;
    assert_eq!(connection.message().await.header("trailer"), Some("x-ok"));
    connection.answer_with(announced, "ok").await;
    assert_eq!(client.message().await.header("trailer"), Some("x-ok"));
}

#[tokio::test]
async fn trailers_that_the_connection_header_names_or_that_alias_a_field_with_underscores_are_dropped_s45c() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    let announced = "trailer: x-sum, X-Hop\r\ntrailer: x_forwarded_for, x_fal_request_id, content_length";
    let head =
        format!("connection: x-hop, te\r\nte: trailers\r\ntransfer-encoding: chunked\r\n{announced}\r\n\r\n");
    let trailers =
        "x-hop: 1\r\nx_forwarded_for: 1\r\nx_fal_request_id: 1\r\ncontent_length: 1\r\nx-sum: 7\r\n\r\n";
    client.send(&format!("POST / HTTP/1.1\r\nhost: a\r\n{head}2\r\nok\r\n0\r\n{trailers}")).await;
    let mut connection = runner.accept().await;
    assert_eq!(connection.head().await.header("trailer"), Some("x-sum"));
    assert_eq!(connection.chunk().await.unwrap(), "ok");
    for line in ["0", "x-sum: 7", ""] {
        assert_eq!(connection.line().await, line);
    }
    connection.send(&format!("HTTP/1.1 200 OK\r\n{head}2\r\nok\r\n0\r\n{trailers}")).await;
    assert_eq!(client.head().await.header("trailer"), Some("x-sum"));
    assert_eq!(client.chunk().await.unwrap(), "ok");
    for line in ["0", "x-sum: 7", ""] {
        assert_eq!(client.line().await, line);
    }
}

#[tokio::test]
async fn a_response_may_have_256_fields_s45d() {
    let fields =
        |count: usize| (0..count).map(|number| format!("x-{number}: y\r\n")).collect::<Vec<_>>().concat();
    let response = |count| format!("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n{}\r\n", fields(count));
    let (_, passed) = through("GET / HTTP/1.1\r\nhost: a\r\n\r\n", &response(255)).await;
    assert_eq!((passed.status(), passed.header("x-254")), (200, Some("y")));
    let (_, refused) = through("GET / HTTP/1.1\r\nhost: a\r\n\r\n", &response(256)).await;
    assert_eq!((refused.status(), refused.error_type().as_str()), (503, "runner_disconnected"));
    assert!(refused.body.contains("256 fields"), "{}", refused.body);
}

#[tokio::test]
async fn the_health_path_is_compared_without_its_query_s28() {
    use super::rig::limits;
    use crate::proxy::{HealthPath, Limits, ManualChecks};
    let manual_checks = ManualChecks::Made { health_path: HealthPath::new("/ask?deep=1") };
    let mut rig = Rig::with(Limits { manual_checks, ..limits() }).await;
    let runner = rig.runner();
    let (mut client, mut connection) = rig.request("/ask?deep=2", &runner).await;
    connection.answer_with("x-fal-runner-health-check: 1\r\n", "ok").await;
    client.message().await;
    until(|| rig.balancer.in_flight(runner.id) == 0).await;
    assert!(rig.balancer.take_asked().is_empty());
}

#[tokio::test]
async fn a_repeated_content_length_of_a_response_is_sent_once_s45a() {
    for lengths in ["2\r\ncontent-length: 2", "2, 2", "2,2\r\ncontent-length: 2"] {
        let response = format!("HTTP/1.1 200 OK\r\ncontent-length: {lengths}\r\n\r\nok");
        let (_, response) = through("GET / HTTP/1.1\r\nhost: a\r\n\r\n", &response).await;
        assert_eq!((response.header("content-length"), response.body.as_str()), (Some("2"), "ok"));
    }
}

#[tokio::test]
async fn a_response_with_different_lengths_is_rejected_even_without_a_body_s45a() {
    for lengths in ["2\r\ncontent-length: 3", "2, 3"] {
        let mut rig = Rig::new().await;
        let runner = rig.runner();
        let mut client = rig.client().await;
        client.send("HEAD / HTTP/1.1\r\nhost: a\r\n\r\n").await;
        let mut connection = runner.accept().await;
        connection.message().await;
        connection.send(&format!("HTTP/1.1 200 OK\r\ncontent-length: {lengths}\r\n\r\n")).await;
        assert_eq!(client.head().await.status(), 503, "{lengths}");
    }
}

#[tokio::test]
async fn a_trailer_asks_for_no_check_and_its_client_does_not_see_it_s28c_s29b() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    client.send("GET / HTTP/1.1\r\nhost: a\r\nconnection: te\r\nte: trailers\r\n\r\n").await;
    let mut connection = runner.accept().await;
    connection.message().await;
    let head =
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-fal-runner-health-check, x-sum\r\n\r\n";
    connection.send(&format!("{head}0\r\nX-Fal-Runner-Health-Check: true\r\nx-sum: 7\r\n\r\n")).await;
    client.head().await;
    for line in ["0", "x-sum: 7", ""] {
        assert_eq!(client.line().await, line);
    }
    until(|| rig.balancer.in_flight(runner.id) == 0).await;
    assert!(rig.balancer.take_asked().is_empty());
}

#[tokio::test]
async fn trailers_pass_where_the_client_accepts_them() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    client.send("GET / HTTP/1.1\r\nhost: a\r\nconnection: te\r\nte: trailers, gzip\r\n\r\n").await;
    let mut connection = runner.accept().await;
    assert_eq!(connection.message().await.header("te"), Some("trailers"));
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n";
    connection.send(&format!("{head}2\r\nok\r\n0\r\nx-sum: 7\r\n\r\n")).await;
    assert_eq!(client.head().await.header("trailer"), Some("x-sum"));
    assert_eq!(client.chunk().await.unwrap(), "ok");
    assert_eq!(client.line().await, "0");
    assert_eq!(client.line().await, "x-sum: 7");
}
