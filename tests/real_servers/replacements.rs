//! No request is lost while servers are replaced, over and over (S33d, S39, S52). A WebSocket that its server ends is told, and the
//! next one is open at once (S45i).

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use rustix::process::Signal;

use super::program::Program;
use super::{DJANGO_HOST, client, gunicorn, nginx, node, uvicorn};

const RUNNERS: [&str; 1] = ["--runners=2"];

/// An open WebSocket is a request in flight: with the default, each replacement waits for 30 s. Other requests may take as long, also on a
/// busy machine.
const WITH_SOCKETS: [&str; 2] = ["--runners=2", "--drain-timeout=2s"];

/// How many servers each test replaces. A test of releases takes more.
fn replacements() -> u32 {
    std::env::var("FAL_REPLACEMENTS").map_or(6, |count| count.parse().unwrap())
}

/// Replaces servers by rolling restarts while clients send requests and, where the server `has` them, keep WebSocket connections.
fn replace_under_load(mut server: Program, host: &str, has: &str) {
    // The other one.
    server.line(&["IDLE: takes requests"]);
    let mut load = Command::new("python3")
        .arg(client("load.py"))
        .args([&server.url("http", ""), host, has])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut printed = BufReader::new(load.stdout.take().unwrap());
    let mut line = String::new();
    printed.read_line(&mut line).unwrap();
    assert_eq!(line, "begun\n");
    let replaced = replacements().div_ceil(2) * 2;
    for _ in 0..replaced / 2 {
        server.signal(Signal::HUP);
        server.line(&["rolling restart", "complete"]);
    }
    drop(load.stdin.take());
    let mut counted = String::new();
    printed.read_to_string(&mut counted).unwrap();
    assert!(load.wait().unwrap().success());
    let (counts, failures) = counted.split_once('\n').unwrap();
    eprintln!("{counts} requests and WebSockets during {replaced} replacements");
    assert_eq!(failures, "", "of {counts} requests and WebSockets");
    let (requests, sockets) = counts.split_once(' ').unwrap();
    assert!(requests.parse::<u32>().unwrap() > replaced, "{requests} requests");
    // Each rolling restart ends each of them at least once.
    let restarts = if has.ends_with("ws") { replaced / 2 } else { 0 };
    assert!(sockets.parse::<u32>().unwrap() >= 3 * restarts, "{sockets} WebSockets");
    let log = server.stopped();
    let ended = |line: &&String| line.contains("TERMINATED") && line.contains("reason=restarted");
    assert_eq!(log.iter().filter(ended).count(), usize::try_from(replaced).unwrap());
    assert!(!log.iter().any(|line| line.contains("signal 9")), "each stops by itself: {log:#?}");
}

#[test]
#[ignore = "needs uvicorn, httpx and websockets"]
fn replacements_of_uvicorn_lose_no_request_and_tell_web_sockets() {
    replace_under_load(uvicorn(&WITH_SOCKETS), "", "echo+ws");
}

#[test]
#[ignore = "needs gunicorn, Django and httpx"]
fn replacements_of_gunicorn_with_django_lose_no_request() {
    replace_under_load(gunicorn(&RUNNERS), DJANGO_HOST, "echo");
}

#[test]
#[ignore = "needs Node with ws, httpx and websockets"]
fn replacements_of_node_lose_no_request_and_tell_web_sockets() {
    replace_under_load(node(&WITH_SOCKETS), "", "echo+ws");
}

#[test]
#[ignore = "needs nginx and httpx"]
fn replacements_of_nginx_lose_no_request() {
    let root = tempfile::tempdir().unwrap();
    replace_under_load(nginx(root.path(), &RUNNERS), "", "files");
}
