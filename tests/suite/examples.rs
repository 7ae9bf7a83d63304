//! The examples behave as the README says.

use std::net::SocketAddr;

use rustix::process::Signal;
use serde_json::json;
use tokio::process::Command;

use crate::harness::*;

fn ask() -> Request {
    Request::post("/", &json!({ "text": "Guten Morgen, wie geht es Ihnen heute?" }))
}

/// Takes ten seconds, the start period of the quickstart.
#[tokio::test]
async fn the_quickstart_is_replaced_when_it_loses_its_journal_and_at_once_when_it_notices_itself_s23_s24_s25()
{
    let volume = tempfile::tempdir().unwrap();
    let data = volume.path().join("data");
    let mut command = Command::new(env!("CARGO_BIN_EXE_quickstart"));
    command.args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--check-interval", "200ms"]);
    let mut host = Program::start(command.env("DATA_DIR", &data));
    host.stderr.line(&format!("runner 1 | journal {}", data.display())).await;
    let response = host.exchange(&ask()).await;
    assert_eq!(response.status, 200);
    assert_eq!(response.json()["language"], "deu");
    assert!(response.json()["confidence"].is_number());
    assert_eq!(std::fs::read_to_string(data.join("journal")).unwrap().lines().count(), 1);

    // Only periodic checks find it, after the start period.
    std::fs::remove_dir_all(&data).unwrap();
    host.stderr.line("runner=1 failed start period ignored").await;
    host.stderr.line("TERMINATED runner=1 reason=unhealthy").await;
    host.stderr.line("IDLE runner=2").await;
    assert!(data.is_dir(), "its setup has created it again");
    assert_eq!(host.exchange(&ask()).await.status, 200);
    let ended = host.shows("/runners").await.json()["ended"][0].clone();
    assert_eq!(ended["reason"], "unhealthy");
    let statuses: Vec<_> = ended["checks"].as_array().unwrap().iter().map(|check| &check["status"]).collect();
    assert!(statuses.ends_with(&[&json!(500), &json!(500), &json!(500)]), "{ended}");

    // A request finds it and asks for a check, which ends the runner inside its start period.
    std::fs::remove_dir_all(&data).unwrap();
    let response = host.exchange(&ask()).await;
    assert_eq!((response.status, response.header(ASKS)), (200, None));
    assert_eq!(response.json()["language"], "deu");
    host.stderr.line("TERMINATING runner=2 reason=manual_check_failed").await;
    host.stderr.line("IDLE runner=3").await;
    assert_eq!(host.exchange(&ask()).await.status, 200);
    assert!(data.join("journal").is_file());

    host.signal(Signal::TERM);
    assert_eq!(host.exit().await, Some(0));
}

#[tokio::test]
async fn manual_only_is_checked_when_it_asks_and_replaced_at_the_second_oddity_s25() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_manual_only"));
    command.args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--check-interval", "20ms"]);
    let mut host = Program::start(&mut command);
    let divide =
        async |divisor: u32| host.exchange(&Request::post("/", &json!({ "divisor": divisor }))).await;
    assert_eq!(divide(4).await.json(), json!({ "quotient": 250 }));
    let check = async || host.shows("/runners").await.json()["runners"][0]["health"]["last_check"].clone();
    assert_eq!(check().await, json!(null), "no response has asked");

    assert_eq!(divide(0).await.json(), json!({ "quotient": null }));
    assert_eq!(divide(0).await.json(), json!({ "quotient": null }));
    host.stderr.line("TERMINATED runner=1 reason=manual_check_failed").await;
    host.stderr.line("IDLE runner=2").await;
    assert_eq!(divide(5).await.json(), json!({ "quotient": 200 }));
    let shown = host.shows("/runners").await.json();
    let checks = shown["ended"][0]["checks"].as_array().unwrap();
    let outcomes: Vec<_> = checks.iter().map(|check| (&check["trigger"], &check["outcome"])).collect();
    assert_eq!(outcomes, [(&json!("manual"), &json!("pass")), (&json!("manual"), &json!("failure"))]);
    host.signal(Signal::TERM);
    assert_eq!(host.exit().await, Some(0));
}

#[tokio::test]
async fn own_main_serves_its_own_routes_beside_the_host_that_it_embeds() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_own_main"));
    let mut program = Program::start(command.args(["127.0.0.1:0", "127.0.0.1:0"]));
    let address = async |line: &str| {
        let line = program.stdout.line(line).await;
        let (_, rest) = line.split_once("http://").unwrap();
        rest.trim_end_matches("/status").parse::<SocketAddr>().unwrap()
    };
    let (requests, status) = (address("requests:").await, address("status:").await);
    let mut client = Client::tcp(requests).await;
    let response = client.exchange(&Request::post("/", &json!({ "text": "abc" }))).await;
    assert_eq!(response.json(), json!({ "reversed": "cba" }));
    let status = Client::tcp(status).await.exchange(&Request::get("/status")).await;
    let text = String::from_utf8(status.body).unwrap();
    assert!(text.starts_with("runner 1: IDLE, "), "{text}");
    program.interrupt();
    assert_eq!(program.exit().await, Some(0));
}
