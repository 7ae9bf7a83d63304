//! Runners that are lost, and what becomes of their requests (S39).

use std::time::{Duration, SystemTime};

use super::overdue::tick_through;
use super::rig::limits;
use super::{Rig, until};
use crate::fleet::Reason;
use crate::proxy::{Limits, Report};

#[tokio::test]
async fn a_request_that_was_written_and_lost_is_answered_runner_disconnected_and_not_sent_again_s39a_s39c() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let (mut client, connection) = rig.request("/", &runner).await;
    let other = rig.runner();
    drop(connection);
    let response = client.message().await;
    assert_eq!((response.status(), response.error_type().as_str()), (503, "runner_disconnected"));
    assert_eq!(response.header("retry-after"), None, "it may have been served");
    until(|| rig.balancer.in_flight(runner.id) == 0).await;
    assert_eq!(rig.balancer.in_flight(other.id), 0);
    assert!(rig.has_no_report());
    let recent = rig.balancer.recent_losses(runner.id, SystemTime::now()).unwrap();
    assert_eq!((recent.requests, recent.last.path.as_str()), (1, "/"));
    let later = SystemTime::now() + Duration::from_secs(61);
    assert_eq!(rig.balancer.recent_losses(runner.id, later), None, "it is told for a minute (S116e)");
    let lost = |id| rig.balancer.forget(id).unwrap().all();
    let paths: Vec<_> = lost(runner.id).into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/"]);
    assert!(lost(other.id).is_empty());
}

#[tokio::test]
async fn a_request_lost_with_a_runner_that_the_host_ends_says_so_s39c() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let (mut client, connection) = rig.request("/", &runner).await;
    rig.balancer.ends_by_host(runner.id, Reason::Unhealthy);
    rig.balancer.remove_now(runner.id);
    drop(connection);
    let response = client.message().await;
    assert_eq!((response.status(), response.error_type().as_str()), (503, "runner_disconnected"));
    let expected = "The host ended runner 1 (unhealthy) while it held the request.";
    assert!(response.body.contains(expected), "{}", response.body);
}

#[tokio::test]
async fn an_answer_that_is_not_http_is_answered_runner_disconnected_s39c() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let (mut client, mut connection) = rig.request("/", &runner).await;
    connection.send("what?\r\n\r\n").await;
    let response = client.message().await;
    assert_eq!((response.status(), response.error_type().as_str()), (503, "runner_disconnected"));
    assert!(response.body.contains("not valid HTTP"), "{}", response.body);
    assert_eq!(rig.balancer.in_flight(runner.id), 1, "its call may still run");
}

#[tokio::test]
async fn a_loss_after_the_head_of_the_response_ends_the_clients_connection_s39d() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let (mut client, mut connection) = rig.request("/", &runner).await;
    connection.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello").await;
    assert_eq!(client.head().await.status(), 200);
    assert_eq!(client.exactly(5).await, "hello");
    drop(connection);
    client.closed().await;
    until(|| rig.balancer.in_flight(runner.id) == 0).await;
}

#[tokio::test]
async fn what_a_runner_has_sent_before_it_was_lost_reaches_the_client_s39d() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    for _ in 0..20 {
        let mut client = rig.get("/").await;
        let mut connection = runner.accept().await;
        connection.head().await;
        // The host reads the head, a part of the body and the end at once.
        connection.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nsome").await;
        drop(connection);
        assert_eq!(client.head().await.status(), 200);
        assert_eq!(client.exactly(4).await, "some");
        client.closed().await;
    }
}

#[tokio::test]
async fn a_runner_that_dies_one_socket_after_the_other_loses_only_what_was_in_flight_s39c() {
    let mut rig = Rig::with(Limits { max_multiplexing: 2, ..limits() }).await;
    let dying = rig.runner();
    let (mut first, mut second) = (rig.get("/1").await, rig.get("/2").await);
    let (mut open, mut lost) = (dying.accept().await, dying.accept().await);
    open.message().await;
    open.answer("1").await;
    lost.message().await;
    let id = dying.id;
    until(|| rig.balancer.kept(id) == 1).await;
    drop((dying, lost));
    let responses = [first.message().await.status(), second.message().await.status()];
    assert!(responses.contains(&200) && responses.contains(&503), "{responses:?}");
    until(|| rig.balancer.in_flight(id) == 0).await;
    let other = rig.runner();
    first.get("/3").await;
    assert_eq!(other.accept().await.message().await.start, "GET /3 HTTP/1.1");
    drop(open);
}

#[tokio::test]
async fn a_runner_that_has_lost_a_request_and_lives_is_given_the_next_over_a_fresh_connection_s39c() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let (mut client, connection) = rig.request("/1", &runner).await;
    drop(connection);
    assert_eq!(client.message().await.error_type(), "runner_disconnected");
    client.get("/2").await;
    assert_eq!(runner.accept().await.message().await.start, "GET /2 HTTP/1.1");
    assert!(rig.has_no_report());
}

#[tokio::test]
async fn a_kept_connection_that_closed_is_passed_over_and_the_request_goes_over_a_fresh_one_s39b() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let (mut client, mut connection) = rig.request("/1", &runner).await;
    connection.answer("1").await;
    client.message().await;
    drop(connection);
    until(|| rig.balancer.kept(runner.id) == 0).await;
    client.get("/2").await;
    let mut fresh = runner.accept().await;
    fresh.message().await;
    fresh.answer("2").await;
    assert_eq!(client.message().await.body, "2");
    assert!(rig.has_no_report());
}

#[tokio::test]
async fn a_request_whose_first_write_fails_goes_over_a_fresh_connection_with_its_whole_body_s39b() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let (mut client, mut connection) = rig.request("/1", &runner).await;
    connection.answer("1").await;
    client.message().await;
    connection.refuse_writes();
    client.send("POST /2 HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello").await;
    let mut fresh = runner.accept().await;
    assert_eq!(fresh.message().await.body, "hello");
    fresh.answer("2").await;
    assert_eq!(client.message().await.body, "2");
    assert!(rig.has_no_report());
}

#[tokio::test]
async fn a_response_that_closes_its_connection_makes_the_next_request_open_another() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let (mut client, mut connection) = rig.request("/1", &runner).await;
    connection.answer_with("connection: close\r\n", "1").await;
    assert_eq!(client.message().await.body, "1");
    connection.closed().await;
    client.get("/2").await;
    assert_eq!(runner.accept().await.message().await.start, "GET /2 HTTP/1.1");
}

#[tokio::test]
async fn a_runner_that_refuses_a_connection_and_a_fresh_one_is_unreachable_and_its_request_moves_s39b_s39e_s119c()
 {
    let mut rig = Rig::new().await;
    let deaf = rig.deaf();
    let runner = rig.runner();
    let (mut client, mut connection) = rig.request("/a?secret", &runner).await;
    connection.answer("ok").await;
    assert_eq!(client.message().await.body, "ok");
    let (id, refused) = rig.unreachable().await;
    assert_eq!(id, deaf);
    let refused = refused.split(" with the id ").next().unwrap();
    assert!(refused.contains(" refused the connection of GET /a"), "{refused}");
    assert_eq!(rig.balancer.in_flight(deaf), 0);
    rig.balancer.remove(deaf);
    assert_eq!(rig.report().await, Report::Drained(deaf));
    assert!(rig.has_no_report());
}

#[tokio::test]
async fn a_request_that_moves_is_exempt_from_the_queues_limit_and_goes_to_the_front_s39b() {
    let mut rig = Rig::with(Limits { queue: 0, ..limits() }).await;
    let deaf = rig.deaf();
    let _moves = rig.get("/moves").await;
    assert_eq!(rig.unreachable().await.0, deaf);
    until(|| rig.balancer.waiting() == 1).await;
    assert_eq!(rig.get("/").await.message().await.error_type(), "queue_full");
    let runner = rig.runner();
    assert_eq!(runner.accept().await.message().await.start, "GET /moves HTTP/1.1");
}

#[tokio::test]
async fn a_request_moves_at_most_ten_times_s39b() {
    let mut rig = Rig::new().await;
    let deaf: Vec<_> = (0..11).map(|_| rig.deaf()).collect();
    let untouched = rig.deaf();
    let response = rig.get("/").await.message().await;
    assert_eq!((response.status(), response.error_type().as_str()), (503, "runner_disconnected"));
    for id in deaf {
        assert_eq!(rig.unreachable().await.0, id);
    }
    assert!(rig.has_no_report());
    assert_eq!(rig.balancer.in_flight(untouched), 0);
}

#[tokio::test]
async fn a_request_with_a_body_that_moves_arrives_whole_s39b() {
    let mut rig = Rig::new().await;
    rig.deaf();
    let runner = rig.runner();
    let mut client = rig.client().await;
    client.send("POST / HTTP/1.1\r\nhost: a\r\nx-own: 1\r\ncontent-length: 5\r\n\r\nhello").await;
    let mut connection = runner.accept().await;
    let request = connection.message().await;
    assert_eq!((request.body.as_str(), request.header("x-own")), ("hello", Some("1")));
}

#[tokio::test]
async fn a_full_backlog_is_waited_out_and_is_no_refusal_s39b() {
    let mut rig = Rig::new().await;
    let runner = rig.with_backlog(0);
    let fills_the_backlog = runner.connect();
    rig.balancer.add(runner.id, runner.address());
    let mut client = rig.get("/").await;
    until(|| rig.balancer.in_flight(runner.id) == 1).await;
    drop(fills_the_backlog);
    runner.accept().await;
    let mut connection = runner.accept().await;
    connection.message().await;
    connection.answer("ok").await;
    assert_eq!(client.message().await.body, "ok");
    assert!(rig.has_no_report());
}

#[tokio::test]
async fn a_request_that_cannot_be_written_yet_moves_as_soon_as_its_runner_leaves_s39b() {
    let mut rig = Rig::new().await;
    let wedged = rig.with_backlog(0);
    let _fills_the_backlog = wedged.connect();
    rig.balancer.add(wedged.id, wedged.address());
    let _client = rig.get("/").await;
    until(|| rig.balancer.in_flight(wedged.id) == 1).await;
    let runner = rig.runner();
    rig.balancer.remove(wedged.id);
    assert_eq!(rig.report().await, Report::Drained(wedged.id));
    assert_eq!(runner.accept().await.message().await.start, "GET / HTTP/1.1");
    assert!(rig.has_no_report());
}

#[tokio::test]
async fn an_idle_connection_is_retired_before_its_runner_closes_it_s43g() {
    for (headers, fresh, stale) in [("", 1, 8), ("keep-alive: max=9, timeout=4\r\n", 0, 5)] {
        let mut rig = Rig::new().await;
        let runner = rig.runner();
        let mut client = rig.get("/1").await;
        let mut connection = runner.accept().await;
        connection.message().await;
        connection.answer_with(headers, "1").await;
        client.message().await;
        tick_through(Duration::from_secs(fresh)).await;
        client.get("/2").await;
        assert_eq!(connection.message().await.start, "GET /2 HTTP/1.1", "over the same connection");
        connection.answer("2").await;
        client.message().await;
        tick_through(Duration::from_secs(stale)).await;
        assert_eq!(rig.balancer.kept(runner.id), 0);
        connection.closed().await;
        client.get("/3").await;
        assert_eq!(runner.accept().await.message().await.start, "GET /3 HTTP/1.1");
    }
}

#[tokio::test]
async fn a_connection_that_its_runner_keeps_for_no_time_is_not_used_again_s43g() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    for seconds in ["0", "1"] {
        client.get("/").await;
        let mut connection = runner.accept().await;
        connection.message().await;
        connection.answer_with(&format!("keep-alive: timeout={seconds}\r\n"), "ok").await;
        client.message().await;
        client.get("/").await;
        let mut next = runner.accept().await;
        next.message().await;
        next.answer_with("connection: close\r\n", "ok").await;
        client.message().await;
    }
}

#[tokio::test]
async fn an_idle_connection_is_retired_although_no_client_is_connected_s43g() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let (mut client, mut connection) = rig.request("/", &runner).await;
    connection.answer("ok").await;
    client.message().await;
    drop(client);
    tick_through(Duration::from_secs(10)).await;
    connection.closed().await;
}
