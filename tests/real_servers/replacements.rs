//! No request is lost while servers are replaced, over and over (S33d, S39, S52).

use std::io::Read;
use std::process::{Command, Stdio};

use rustix::process::Signal;

use super::program::Program;
use super::{DJANGO_HOST, client, gunicorn, node, uvicorn};

const RUNNERS: [&str; 1] = ["--runners=2"];

/// How many servers each test replaces. A test of releases takes more.
fn replacements() -> u32 {
    std::env::var("FAL_REPLACEMENTS").map_or(10, |count| count.parse().unwrap())
}

/// Replaces servers by rolling restarts while clients send requests.
fn replace_under_load(mut server: Program, host: &str) {
    // The other one.
    server.line(&["IDLE: takes requests"]);
    let mut load = Command::new("python3")
        .arg(client("load.py"))
        .args([&server.url("http", ""), host])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let replaced = replacements().div_ceil(2) * 2;
    for _ in 0..replaced / 2 {
        server.signal(Signal::HUP);
        server.line(&["rolling restart", "complete"]);
    }
    drop(load.stdin.take());
    let mut printed = String::new();
    load.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
    assert!(load.wait().unwrap().success());
    let (requests, failures) = printed.split_once('\n').unwrap();
    eprintln!("{requests} requests during {replaced} replacements");
    assert_eq!(failures, "", "of {requests} requests");
    assert!(requests.parse::<u32>().unwrap() > replaced, "{requests} requests");
    let log = server.stopped();
    let ended = |line: &&String| line.contains("TERMINATED") && line.contains("reason=restarted");
    assert_eq!(log.iter().filter(ended).count(), usize::try_from(replaced).unwrap());
    assert!(!log.iter().any(|line| line.contains("signal 9")), "each stops by itself: {log:#?}");
}

#[test]
#[ignore = "needs uvicorn and httpx"]
fn replacements_of_uvicorn_lose_no_request() {
    replace_under_load(uvicorn(&RUNNERS), "");
}

#[test]
#[ignore = "needs gunicorn, Django and httpx"]
fn replacements_of_gunicorn_with_django_lose_no_request() {
    replace_under_load(gunicorn(&RUNNERS), DJANGO_HOST);
}

#[test]
#[ignore = "needs Node and httpx"]
fn replacements_of_node_lose_no_request() {
    replace_under_load(node(&RUNNERS), "");
}
