//! Hooks: a command or a URL that gets the events that an operator should know (S86b).

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::*;

fn run(director: &Director, hook: &str) -> Program {
    Program::run(director, &["--app", "scripted", "--on-event", hook])
}

/// Kills a runner by an order, and waits until its successor takes requests.
async fn kill(host: &Program, runner: u32) {
    let order = Request::order(&format!("/runners/{runner}/kill"));
    let mut admin = Client::tcp(host.admin().await).await;
    assert_eq!(admin.exchange(&order).await.status, 202);
    host.stderr.line(&format!("IDLE: takes requests runner={}", runner + 1)).await;
}

async fn stop(host: &mut Program) {
    host.signal(Signal::TERM);
    assert_eq!(host.exit().await, Some(0));
}

/// A named pipe, and its name for a shell.
fn pipe_of(directory: &TempDir) -> (PathBuf, String) {
    let pipe = directory.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let name = format!("'{}'", pipe.display());
    (pipe, name)
}

fn events(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn a_command_gets_each_event_even_if_many_come_at_once_s86b() {
    const RUNNERS: u32 = 23;
    let (director, directory) = (Director::new(), tempfile::tempdir().unwrap());
    let file = directory.path().join("events");
    let mut host = run(&director, &format!("cat >> '{}'", file.display()));
    host.stderr.line("IDLE: takes requests runner=1").await;
    for runner in 1..=RUNNERS {
        kill(&host, runner).await;
    }
    stop(&mut host).await;
    let events = events(&file);
    // The commands of several events run at the same time.
    let runners: BTreeSet<_> = events.iter().map(|event| event["runner"].as_u64().unwrap()).collect();
    assert_eq!(events.len(), runners.len());
    // The last runner ended since the host was stopped.
    assert!(runners.iter().copied().eq(1..=RUNNERS.into()), "{runners:?}");
    let first = events.iter().find(|event| event["runner"] == 1).unwrap();
    assert_eq!((&first["kind"], &first["reason"]), (&"terminated".into(), &"operator".into()));
    assert_eq!((&first["exit"], &first["app"]), (&json!({ "signal": 9 }), &"scripted".into()));
}

#[tokio::test]
async fn a_command_does_not_speak_for_the_host_to_its_service_manager_and_a_runner_not_to_its_admin_interface_s86b_s88b()
 {
    let (director, directory) = (Director::new(), tempfile::tempdir().unwrap());
    let file = directory.path().join("environment");
    let mut command = fixture(&director);
    command.env("FAL_ADMIN_TOKEN", TOKEN).env("NOTIFY_SOCKET", directory.path().join("notify"));
    command.env("HOME", "/kept").args([
        "run",
        "--app=scripted",
        "--listen=127.0.0.1:0",
        "--admin=127.0.0.1:0",
    ]);
    command.args(["--on-event", &format!("env >> '{}'", file.display())]);
    let mut host = Program::start(&mut command);
    host.stderr.line("IDLE: takes requests runner=1").await;
    let runner = &host.shows("/runners").await.json()["runners"][0]["pid"];
    let of_runner = std::fs::read(format!("/proc/{runner}/environ")).unwrap();
    let of_runner = String::from_utf8_lossy(&of_runner);
    assert!(of_runner.contains("HOME=/kept") && !of_runner.contains("FAL_ADMIN_TOKEN"), "{of_runner}");
    kill(&host, 1).await;
    stop(&mut host).await;
    let environment = std::fs::read_to_string(file).unwrap();
    assert!(environment.contains("FAL_ADMIN_TOKEN"), "a command may use it: {environment}");
    assert!(environment.contains("HOME=/kept"), "{environment}");
    assert!(!environment.contains("NOTIFY_SOCKET"), "{environment}");
}

#[tokio::test]
async fn a_hook_that_hangs_delays_nothing_and_is_ended_with_the_host_s86b() {
    let (director, directory) = (Director::new(), tempfile::tempdir().unwrap());
    let (pipe, hook) = pipe_of(&directory);
    let mut host = run(&director, &format!("(echo begun; exec sleep 1000) > {hook}; true"));
    let began = tokio::task::spawn_blocking(move || {
        let mut lines = BufReader::new(File::open(pipe).unwrap()).lines();
        (lines.next().unwrap().unwrap(), lines)
    });
    host.stderr.line("IDLE: takes requests runner=1").await;
    for runner in 1..=3 {
        kill(&host, runner).await;
    }
    let (line, mut rest) = within("the hook to begin", began).await.unwrap();
    assert_eq!(line, "begun");
    stop(&mut host).await;
    assert!(host.stderr.text().contains("before its last events are delivered"), "{}", host.stderr.text());
    // Its end of the pipe closes when it has ended.
    let ended = tokio::task::spawn_blocking(move || rest.next().is_none());
    assert!(within("the hook to end", ended).await.unwrap());
}

#[tokio::test]
async fn a_command_that_fails_is_logged_with_what_it_said_and_tried_again_s86b() {
    let (director, directory) = (Director::new(), tempfile::tempdir().unwrap());
    let (pipe, to_pipe) = pipe_of(&directory);
    let first = directory.path().join("first");
    let first = first.display();
    let hook = format!(
        "if [ -e '{first}' ]; then cat > {to_pipe}; else touch '{first}'; echo no route >&2; exit 7; fi"
    );
    let mut host = run(&director, &hook);
    host.stderr.line("IDLE: takes requests runner=1").await;
    kill(&host, 1).await;
    let line = host.stderr.line("the event hook failed").await;
    assert!(line.contains("WARN") && line.contains("exit status: 7: no route"), "{line}");
    let delivered = tokio::task::spawn_blocking(move || events(&pipe));
    let delivered = within("the second delivery", delivered).await.unwrap();
    assert!(delivered.len() == 1 && delivered[0]["kind"] == "terminated", "{delivered:?}");
    stop(&mut host).await;
}

/// Reads a request with a body, and answers it.
async fn answer(client: TcpStream, status: &str) -> (String, Value) {
    respond(client, &format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n")).await
}

/// Reads a request with a body, sends a response, and closes the connection.
async fn respond(mut client: TcpStream, response: &str) -> (String, Value) {
    let mut text = String::new();
    loop {
        let mut piece = [0; 4_096];
        let length = within("a request", client.read(&mut piece)).await.unwrap();
        text.push_str(std::str::from_utf8(&piece[..length]).unwrap());
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let wanted = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        if body.len() == wanted.parse::<usize>().unwrap() {
            client.write_all(response.as_bytes()).await.unwrap();
            return (head.to_owned(), serde_json::from_str(body).unwrap());
        }
    }
}

#[tokio::test]
async fn a_server_that_was_down_gets_the_event_when_it_is_back_s86b() {
    let director = Director::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut host = run(&director, &format!("http://{address}/events?from=fal"));
    host.stderr.line("IDLE: takes requests runner=1").await;
    kill(&host, 1).await;
    let line = host.stderr.line("the event hook failed").await;
    assert!(line.contains("refused") && line.contains(&format!("hook=http://{address}/…")), "{line}");
    let listener = TcpListener::bind(address).await.unwrap();
    let accept = || async { within("a delivery", listener.accept()).await.unwrap().0 };
    // It is there, but does not work yet.
    answer(accept().await, "503 Service Unavailable").await;
    let (head, event) = answer(accept().await, "204 No Content").await;
    assert!(head.starts_with("POST /events?from=fal HTTP/1.1"), "{head}");
    assert!(head.contains("content-type: application/json"), "{head}");
    assert_eq!((&event["kind"], &event["runner"]), (&"terminated".into(), &1.into()));
    stop(&mut host).await;
}

#[tokio::test]
async fn a_server_of_http_1_0_gets_each_event_once_s86b() {
    let director = Director::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut host = run(&director, &format!("http://{}/", listener.local_addr().unwrap()));
    host.stderr.line("IDLE: takes requests runner=1").await;
    let responses = [
        "HTTP/1.0 204 No Content\r\n\r\n",
        "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
        "HTTP/1.0 200 OK\r\n\r\nok",
    ];
    for (runner, response) in (1..).zip(responses) {
        kill(&host, runner).await;
        let client = within("a delivery", listener.accept()).await.unwrap().0;
        let (_, event) = respond(client, response).await;
        assert_eq!(event["runner"], runner, "{response:?}");
    }
    stop(&mut host).await;
}

#[tokio::test]
async fn a_host_that_gives_up_tells_its_hook_s86b() {
    let (director, directory) = (Director::new(), tempfile::tempdir().unwrap());
    let file = directory.path().join("events");
    director.answer(Kind::Setup, fal_tests::Act::Fail("no model".to_owned()));
    let hook = format!("cat >> '{}'", file.display());
    let mut host =
        Program::run(&director, &["--app", "scripted", "--give-up-after", "1", "--on-event", &hook]);
    assert_eq!(host.exit().await, Some(4));
    let kinds: Vec<_> = events(&file).iter().map(|event| event["kind"].clone()).collect();
    assert!(kinds.starts_with(&["terminated".into()]) && kinds.contains(&"gave_up".into()), "{kinds:?}");
}

#[tokio::test]
async fn a_url_of_https_is_refused_with_a_command_to_use_s86b() {
    let mut command = fixture(&Director::new());
    command.stdin(Stdio::null()).args(["run", "--app", "scripted", "--on-event", "https://example.com/x"]);
    let ended = output(&mut command).await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("curl --fail") && ended.stderr.contains("--on-event"), "{}", ended.stderr);
}
