//! Connections that an endpoint has switched to another protocol (S70).

use std::time::Duration;

use crate::host::{Client, Runner};

fn ready(grace: Duration) -> Runner {
    let mut runner = Runner::start("switching", "", grace);
    assert_eq!(runner.report(), serde_json::json!({ "ready": { "protocol": 1 } }));
    runner
}

fn switched(runner: &Runner, path: &str) -> Client {
    let mut client = Client::connect(runner.socket());
    let head = format!("GET {path} HTTP/1.1\r\nhost: runner\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n");
    client.write(&head);
    let (head, _) = client.response();
    assert!(head.starts_with("HTTP/1.1 101") && head.contains("connection: upgrade"), "{head}");
    client
}

fn echoes(client: &mut Client, text: &str) {
    client.write(text);
    assert_eq!(client.exactly(text.len()), text);
}

#[test]
fn a_connection_that_has_switched_protocols_keeps_the_permit_of_its_call_s70a() {
    for path in ["/switch", "/switch-blocking"] {
        let mut runner = ready(Duration::from_secs(60));
        let mut client = switched(&runner, path);
        let mut waiting = runner.send("/quick");
        for _ in 0..100 {
            echoes(&mut client, "ping");
        }
        client.leave();
        runner.wait_for_mark("echo ended");
        runner.wait_for_mark("quick");
        assert_eq!(waiting.answer(), "ok");
        runner.terminate();
        assert_eq!(runner.ended().code, Some(0));
    }
}

#[test]
fn a_runner_that_stops_does_not_skip_teardown_for_a_connection_that_has_switched_protocols_s70b() {
    let runner = ready(Duration::from_millis(800));
    let mut client = switched(&runner, "/switch");
    runner.terminate();
    echoes(&mut client, "ping");
    let ended = runner.ended();
    assert_eq!((ended.code, ended.marks), (Some(0), vec!["teardown".to_owned()]));
}

#[test]
fn a_runner_stops_as_soon_as_its_last_connection_of_another_protocol_has_ended_s70b() {
    let mut runner = ready(Duration::from_secs(3600));
    let mut client = switched(&runner, "/switch");
    runner.terminate();
    echoes(&mut client, "ping");
    client.leave();
    runner.wait_for_mark("echo ended");
    assert_eq!(runner.ended().code, Some(0));
}
