//! Servers that listen late, elsewhere or not at all: S35c, S49.

use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::Program;

#[test]
fn a_program_that_listened_in_time_is_kept_after_a_suspension_of_the_host_s35c() {
    // On a machine that is too busy for the one, there is time for the next.
    let timeouts = [2, 8, 32].map(Duration::from_secs);
    assert!(timeouts.into_iter().any(listens_in_time_and_is_kept), "nothing listens in time here");
}

/// What the server of these tests does: the path of a named pipe that it waits for before it listens, or `ELSEWHERE`.
const SERVER: &str = "TEST_SERVER";
const ELSEWHERE: &str = "elsewhere";

/// Not a test by itself: a server, as a program of its own.
#[test]
fn a_server_that_listens_when_it_is_told_to_or_elsewhere() {
    let Ok(server) = std::env::var(SERVER) else { return };
    let port = std::env::var("PORT").unwrap();
    let address = if server == ELSEWHERE {
        "127.0.0.1:0".to_owned()
    } else {
        eprintln!("port {port}");
        std::fs::read_to_string(server).unwrap();
        format!("127.0.0.1:{port}")
    };
    let listener = TcpListener::bind(address).unwrap();
    eprintln!("listens on {}", listener.local_addr().unwrap());
    loop {
        thread::park();
    }
}

/// A host of that server.
fn host_of_server(part: &str, options: &[&str]) -> Program {
    let mut host = Command::new(env!("CARGO_BIN_EXE_fal-host"));
    let test = std::env::current_exe().unwrap();
    let name = "listening::a_server_that_listens_when_it_is_told_to_or_elsewhere";
    host.env(SERVER, part);
    Program::of(host, options, &[test.to_str().unwrap(), "--exact", name, "--nocapture"])
}

/// Whether a program could be made to listen within its start-up timeout. Then it must be kept, though its host, which
/// was stopped before that, goes on only after the timeout.
fn listens_in_time_and_is_kept(startup_timeout: Duration) -> bool {
    let directory = tempfile::tempdir().unwrap();
    let told = directory.path().join("told");
    assert!(Command::new("mkfifo").arg(&told).status().unwrap().success());
    // Before its runner's start, from which the timeout counts.
    let begun = Instant::now();
    let options = [&*format!("--startup-timeout={}s", startup_timeout.as_secs())];
    let mut host = host_of_server(told.to_str().unwrap(), &options);
    let port: u16 = host.said(&["runner 1 |", "port "]).rsplit(' ').next().unwrap().parse().unwrap();
    host.signal(Signal::STOP);
    std::fs::write(&told, "listen").unwrap();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if begun.elapsed() >= startup_timeout {
            return false;
        }
        thread::yield_now();
    }
    if begun.elapsed() >= startup_timeout {
        return false;
    }
    // Until well after its time.
    thread::sleep(startup_timeout + Duration::from_millis(500));
    host.signal(Signal::CONT);
    host.said(&["IDLE", "runner=1"]);
    true
}

#[test]
fn a_listener_of_another_process_is_not_the_runner_s49b_s49c() {
    let mut host = Program::start(&[], &["sh", "-c", "echo port $PORT; exec sleep 1000"]);
    let port: u16 = host.said(&["runner 1 |", "port "]).rsplit(' ').next().unwrap().parse().unwrap();
    let _listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    host.said(&["WARN", &format!("another process listens on 127.0.0.1:{port}"), "runner=1"]);
    assert!(!host.said.iter().any(|line| line.contains("IDLE")), "{:#?}", host.said);
}

#[test]
fn a_server_that_listens_elsewhere_is_named_with_its_address_and_the_expected_one_s49c() {
    let mut host = host_of_server(ELSEWHERE, &[]);
    let line = host.said(&["runner 1 |", "listens on "]);
    let address = line.rsplit(' ').next().unwrap();
    host.said(&["WARN", &format!("the runner listens on {address}: expected 127.0.0.1:"), "PORT"]);
}

#[test]
fn a_server_that_listens_elsewhere_is_named_also_if_it_may_not_take_five_seconds_s49c() {
    // It is looked for after half of the timeout. On a machine that is too busy for the one, there is time for the next.
    let named = ["1s", "4s", "9s"].into_iter().any(|timeout| {
        let mut host = host_of_server(ELSEWHERE, &["--startup-timeout", timeout, "--give-up-after", "1"]);
        let ended = host.said(&["error: gave up after 1 failed start", "startup_timeout"]);
        ended.contains("the runner listens on 127.0.0.1:")
    });
    assert!(named, "nothing listens in time here");
}
