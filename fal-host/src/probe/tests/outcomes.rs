//! What a check sends, and the outcome of each kind of response (S16–S18).

use super::*;

#[tokio::test]
async fn a_check_is_a_post_without_a_body_and_with_a_fresh_request_id_s16() {
    let mut bench = bench();
    let listener = bench.listener.take().unwrap();
    let mut ids = Vec::new();
    for trigger in [Trigger::Periodic, Trigger::Manual] {
        let prober = bench.another_prober();
        let asked = tokio::spawn(async move { prober.check(check(trigger, GUARD)).await.answer });
        let (mut stream, _) = listener.accept().await.unwrap();
        let head = head(&mut stream).await.to_lowercase();
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        assert_eq!(asked.await.unwrap(), Outcome::Pass);
        assert!(head.starts_with("post /health http/1.1\r\n"), "{head}");
        assert!(!head.contains("transfer-encoding"), "{head}");
        assert_eq!(head.contains("x-fal-runner-health-check: true"), trigger == Trigger::Manual, "{head}");
        let id = head.lines().find_map(|line| line.strip_prefix("x-fal-request-id: ")).unwrap().to_owned();
        ids.push(id);
    }
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn every_complete_2xx_response_passes_whatever_its_body_says_s17() {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 299 Odd\r\ncontent-length: 17\r\n\r\n{\"status\":\"bad!\"}",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\nuntil the end",
    ] {
        assert_eq!(bench().outcome_of(answer).await, Outcome::Pass, "{answer}");
    }
}

#[tokio::test]
async fn a_body_over_64_kib_passes_before_it_ends_and_closes_the_connection_s17() {
    let mut bench = bench();
    let listener = bench.listener.take().unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n").await.unwrap();
        while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
    });
    assert_eq!(bench.prober.check(in_time()).await.answer, Outcome::Pass);
    tokio::time::timeout(GUARD, server).await.expect("the host closes its side").unwrap();
}

#[tokio::test]
async fn interim_responses_without_end_are_malformed_long_before_the_deadline_s18a_s19b() {
    let mut bench = bench();
    let listener = bench.listener.take().unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        head(&mut stream).await;
        let hints = "HTTP/1.1 103 E\r\nlink: x\r\n\r\n".repeat(1000);
        while stream.write_all(hints.as_bytes()).await.is_ok() {}
    });
    assert_eq!(bench.prober.check(in_time()).await.answer, failure(Failure::Malformed));
    tokio::time::timeout(GUARD, server).await.expect("the host closes its side").unwrap();
}

#[tokio::test]
async fn the_connection_of_a_body_of_exactly_64_kib_is_kept_s17() {
    let mut bench = bench();
    let listener = bench.listener.take().unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        for _ in 0..2 {
            head(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 65536\r\n\r\n").await.unwrap();
            stream.write_all(&vec![b'x'; 65_536]).await.unwrap();
        }
    });
    for _ in 0..2 {
        assert_eq!(bench.prober.check(in_time()).await.answer, Outcome::Pass);
    }
    tokio::time::timeout(GUARD, server).await.expect("both checks use one connection").unwrap();
}

#[tokio::test]
async fn every_other_status_fails_with_its_code_and_redirects_are_not_followed_s16_s18a() {
    for (status, headers) in [(500, ""), (503, ""), (404, ""), (302, "location: /health\r\n"), (304, "")] {
        let answer = format!("HTTP/1.1 {status} X\r\n{headers}content-length: 0\r\n\r\n");
        assert_eq!(bench().outcome_of(answer).await, failure(Failure::Status(status)));
    }
}

#[tokio::test]
async fn a_response_that_is_incomplete_at_the_deadline_is_a_timeout_s18c_s19a() {
    for answer in [
        "",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no",
        "HTTP/1.1 100 Continue\r\n\r\n",
    ] {
        let mut bench = bench();
        let listener = bench.listener.take().unwrap();
        let (closed, mut closings) = tokio::sync::mpsc::unbounded_channel();
        let server = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let closed = closed.clone();
                tokio::spawn(async move {
                    head(&mut stream).await;
                    stream.write_all(answer.as_bytes()).await.unwrap();
                    // It keeps the connection until the host has closed it.
                    closed.send(stream.read(&mut [0]).await.unwrap())
                });
            }
        });
        assert_eq!(bench.brief_outcome().await, failure(Failure::Timeout), "{answer:?}");
        let closed =
            tokio::time::timeout(GUARD, closings.recv()).await.expect("the check's connection is dropped");
        assert_eq!(closed, Some(0));
        server.abort();
    }
}

#[tokio::test]
async fn a_listener_that_never_accepts_is_a_timeout_s18a() {
    let bench = bench();
    assert_eq!(bench.brief_outcome().await, failure(Failure::Timeout));
}

#[tokio::test]
async fn a_closed_listener_is_a_connect_failure_s18a() {
    let mut bench = bench();
    bench.listener = None;
    assert_eq!(bench.prober.check(in_time()).await.answer, failure(Failure::Connect));
}

#[tokio::test]
async fn a_response_that_breaks_off_is_disconnected_s18a() {
    for answer in [
        "",
        "HTTP/1.1 2",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab",
    ] {
        assert_eq!(bench().outcome_of(answer).await, failure(Failure::Disconnected), "{answer:?}");
    }
}

#[tokio::test]
async fn malformed_http_is_malformed_s18a() {
    let endless = format!("HTTP/1.1 200 OK\r\n{}", "x: y\r\n".repeat(200_000));
    for answer in [
        "SSH-2.0-OpenSSH_9.6\r\n\r\n".to_owned(),
        "HTTP/1.1 9000 OK\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab".to_owned(),
        endless,
    ] {
        let shown: String = answer.chars().take(60).collect();
        assert_eq!(bench().outcome_of(answer).await, failure(Failure::Malformed), "{shown:?}");
    }
}

#[tokio::test]
async fn a_check_names_localhost_or_what_the_settings_say_s16() {
    let expected = [
        (vec![], "\r\nhost: localhost\r\n"),
        (vec![("Host", "app.example.com")], "\r\nhost: app.example.com\r\n"),
        (vec![("x-token", "secret")], "\r\nx-token: secret\r\n"),
    ];
    for (headers, expected) in expected {
        let mut bench = bench();
        let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let spec = HealthCheckSpec::post("/health", HealthCheck::new());
        let target = ProbeTarget::new(&spec).unwrap().with_headers(&headers).unwrap();
        bench.prober.target = Arc::new(target);
        let listener = bench.listener.take().unwrap();
        let request = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            head(&mut stream).await
        };
        let (_, request) = tokio::join!(bench.prober.check(in_time()), request);
        assert!(request.contains(expected), "{request}");
        assert_eq!(request.matches("\r\nhost: ").count(), 1, "{request}");
    }
}

#[test]
fn a_header_that_the_host_sets_itself_or_that_is_malformed_is_rejected_with_its_value() {
    let names = ["content-length", "Connection", "x-fal-runner-health-check", "a b"];
    for (name, value) in names.map(|name| (name, "1")).into_iter().chain([("a", "\n")]) {
        let spec = HealthCheckSpec::post("/health", HealthCheck::new());
        let target = ProbeTarget::new(&spec).unwrap();
        let error = target.with_headers(&[(name.into(), value.into())]).unwrap_err().to_string();
        assert!(error.contains(&format!("`{name}: {value}`")), "{error}");
    }
}

#[test]
fn an_invalid_method_or_path_is_rejected_with_its_value() {
    for (method, path) in [("POST", "health"), ("PO ST", "/health"), ("POST", "/a b")] {
        let spec = HealthCheckSpec::new(method, path, HealthCheck::new());
        let error = ProbeTarget::new(&spec).unwrap_err().to_string();
        assert!(error.contains(method) && error.contains(path), "{error}");
    }
}

#[tokio::test]
async fn a_check_by_head_has_a_response_without_a_body_s16_s17() {
    let mut bench = bench();
    let target = ProbeTarget::new(&HealthCheckSpec::new("HEAD", "/health", HealthCheck::new())).unwrap();
    bench.prober.target = Arc::new(target);
    assert_eq!(bench.outcome_of("HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n").await, Outcome::Pass);
}
