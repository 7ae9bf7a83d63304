//! The settings of a running host, and the latency of its requests (S86c).

use serde_json::{Value, json};

use crate::harness::*;

#[tokio::test]
async fn a_host_shows_its_settings_with_their_sources_and_no_secrets_s86c() {
    let (director, directory) = (Director::new(), tempfile::tempdir().unwrap());
    let mut command = fixture(&director);
    command
        .env("XDG_RUNTIME_DIR", directory.path())
        .env("FAL_QUEUE", "7")
        .env("FAL_ADMIN_TOKEN", "0123456789abcdef");
    command.args(["run", "--app", "scripted", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
    let host = Program::start(command.args(["--on-event", "curl http://secret"]));
    let shown = host.shows("/config").await;
    assert_eq!(shown.header("content-type"), Some("application/json"));
    let settings = shown.json();
    let expected = json!({ "value": 7, "source": "environment", "set_by": "--queue or FAL_QUEUE" });
    assert_eq!(settings["host"]["queue"], expected);
    assert_eq!(settings["host"]["listen"]["source"], "flag");
    assert_eq!(settings["host"]["check_interval"]["source"], "default");
    assert_eq!(settings["host"]["listen"]["value"], "127.0.0.1:0");
    assert_eq!(settings["host"]["listen"]["bound"], host.address().await.to_string());
    assert_eq!(settings["host"]["admin"]["bound"], host.admin().await.to_string());
    assert_eq!(settings["app"]["name"]["value"], "scripted");
    for secret in ["admin_token", "on_event"] {
        assert_eq!(settings["host"][secret]["value"], "***");
    }
    let printed = async |arguments: &[&str]| {
        let mut command = fixture(&director);
        command.env("XDG_RUNTIME_DIR", directory.path()).env_remove("FAL_CONTROL_SOCKET").args(arguments);
        output(&mut command).await.stdout
    };
    let json: Value = serde_json::from_str(&printed(&["settings", "--json"]).await).unwrap();
    assert_eq!(json, settings);
    let table = printed(&["settings"]).await;
    let queue = table.lines().find(|line| line.starts_with("  queue ")).unwrap();
    assert_eq!(queue.split_whitespace().collect::<Vec<_>>(), ["queue", "7", "the", "environment"]);
    assert!(table.contains("  admin_token") && !table.contains("0123456789abcdef"), "{table}");
}

#[tokio::test]
async fn fal_host_shows_its_settings_too_s86c() {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_host_program"));
    command.env("FAL_CONTROL_SOCKET", "off").args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
    let host = Program::start(command.args(["--max-multiplexing", "3", "--", "sleep", "1000"]));
    let settings = host.shows("/config").await.json();
    assert_eq!(
        (&settings["host"]["max_multiplexing"]["value"], &settings["host"]["runners"]["value"]),
        (&3.into(), &1.into())
    );
}

#[tokio::test]
async fn the_total_latency_grows_with_each_answered_request_s36a() {
    let director = Director::new();
    director.answer(Kind::Call, fal_tests::Answer::ok());
    let host = Program::run(&director, &["--app", "scripted"]);
    let latency = async || host.shows("/runners").await.json()["latency"].clone();
    assert_eq!(latency().await, json!({ "requests": 0, "seconds": 0.0 }));
    assert_eq!(host.exchange(&Request::call("a")).await.status, 200);
    let mut after = latency().await;
    while after["requests"] != 1 {
        after = latency().await;
    }
    assert!(after["seconds"].as_f64().unwrap() > 0.0, "{after}");
}
