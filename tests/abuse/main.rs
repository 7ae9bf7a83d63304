//! Many clients that abuse a host in a process of its own: what they cost, and who is served meanwhile.

#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails, and says why")]

#[path = "../suite/harness/mod.rs"]
#[expect(
    dead_code,
    unused_imports,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the suite uses the rest"
)]
mod harness;

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fal_tests::{Act, Answer, Called};
use futures_util::future::join_all;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

use harness::*;

/// How much memory of the host an idle client may take, in bytes.
const MEMORY_OF_A_CLIENT: u64 = 4 * 1024;

/// How many descriptors the test and the host need beside those of the clients.
const OTHER_DESCRIPTORS: u64 = 500;

/// How many connections may wait to be accepted, at least. Further ones would be tried again a second later.
const BACKLOG: u64 = 500;

/// So many clients, or as many as the system lets this process and the host have.
fn clients(wanted: u64) -> u64 {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
    wanted.min(limit.maximum.unwrap_or(u64::MAX) - OTHER_DESCRIPTORS)
}

/// The pause between two looks at the host.
const PAUSE: Duration = Duration::from_millis(10);

/// The resident memory of a process, in bytes.
fn resident(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

fn descriptors(pid: u32) -> u64 {
    fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count().try_into().unwrap()
}

/// Waits for a number of open descriptors of the host.
async fn until(host: &Program, what: &str, holds: impl Fn(u64) -> bool) {
    within(what, async {
        while !holds(descriptors(host.id())) {
            // To count thousands of descriptors without a pause would take the host's processor.
            sleep(PAUSE).await;
        }
    })
    .await;
}

/// A host that has served a request, and whose calls succeed.
async fn host(director: &Director) -> Program {
    director.answer(Kind::Call, Answer::ok());
    let host = Program::run(director, &["--app", "scripted"]);
    assert_eq!(host.exchange(&Request::call("first")).await.status, 200);
    host
}

#[tokio::test]
async fn ten_thousand_idle_clients_take_under_4_kib_each_and_another_is_served_s43h() {
    let clients = clients(10_000);
    let director = Director::new();
    let host = host(&director).await;
    let address = host.address().await;
    let before = resident(host.id());
    let mut idle = Vec::new();
    for number in 1..=clients {
        idle.push(within("a connection", TcpStream::connect(address)).await.unwrap());
        if number % BACKLOG == 0 || number == clients {
            until(&host, "the host to accept them", |open| open >= number).await;
        }
    }
    let each = resident(host.id()).saturating_sub(before) / clients;
    assert!(each < MEMORY_OF_A_CLIENT, "{each} bytes of each of {clients} clients");
    assert_eq!(host.exchange(&Request::call("next")).await.status, 200);
    drop(idle);
}

/// How much of a head each client sends, in bytes. The limit is 32 KiB.
const MOST_OF_A_HEAD: usize = 30 * 1024;

/// How much memory of the host a client may take that has sent it, in bytes: docs/limits.md says so.
const MEMORY_OF_A_HEAD: u64 = 128 * 1024;

/// How many bytes wait in the system for the process that listens on this port to read them.
fn unread(port: u16) -> u64 {
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    let of_host =
        |line: &&str| line.split_whitespace().nth(1).is_some_and(|it| it.ends_with(&format!(":{port:04X}")));
    let queue = |line: &str| {
        let (_, unread) = line.split_whitespace().nth(4)?.split_once(':')?;
        u64::from_str_radix(unread, 16).ok()
    };
    // A socket that listens counts the connections that wait.
    table.lines().filter(of_host).filter_map(queue).sum()
}

#[tokio::test]
async fn clients_that_send_most_of_a_head_take_bounded_memory_and_another_is_served_s43h() {
    let clients = clients(400);
    let director = Director::new();
    let host = host(&director).await;
    let address = host.address().await;
    let before = resident(host.id());
    let head = format!("GET / HTTP/1.1\r\nhost: a\r\nx-large: {}", "x".repeat(MOST_OF_A_HEAD));
    let mut slow = Vec::new();
    for _ in 0..clients {
        let mut client = within("a connection", TcpStream::connect(address)).await.unwrap();
        within("the host to read", client.write_all(head.as_bytes())).await.unwrap();
        slow.push(client);
    }
    within("the host to have read all heads", async {
        while unread(address.port()) > 0 {
            sleep(PAUSE).await;
        }
    })
    .await;
    let each = resident(host.id()).saturating_sub(before) / clients;
    assert!(each < MEMORY_OF_A_HEAD, "{each} bytes of each of {clients} clients");
    assert!(
        each > MOST_OF_A_HEAD as u64,
        "{each} bytes of each of {clients} clients are less than they have sent"
    );
    assert_eq!(host.exchange(&Request::call("next")).await.status, 200);
    drop(slow);
}

/// How many clients read a large response in a row.
const WAVE: u64 = 100;

/// How much memory of the host each of a wave may take, in bytes. The buffers of one that has just read the response take over 90 KiB.
const MEMORY_OF_A_RESTING_CLIENT: u64 = 16 * 1024;

#[tokio::test]
async fn clients_that_are_idle_after_a_large_response_leave_their_memory_to_others_s43h() {
    clients(10 * WAVE);
    let director = Director::new();
    let host = host(&director).await;
    let address = host.address().await;
    director.answer(Kind::Call, Act::Refuse(409, "x".repeat(512 * 1024)));
    let mut idle = Vec::new();
    within("a wave of clients that uses the memory of others", async {
        loop {
            let before = resident(host.id());
            for _ in 0..WAVE {
                let mut client = Client::tcp(address).await;
                assert_eq!(client.exchange(&Request::call("large")).await.status, 409);
                idle.push(client);
            }
            if resident(host.id()).saturating_sub(before) / WAVE < MEMORY_OF_A_RESTING_CLIENT {
                break;
            }
        }
    })
    .await;
    director.answer(Kind::Call, Answer::ok());
    for mut client in idle {
        assert_eq!(client.exchange(&Request::call("next")).await.status, 200);
    }
}

#[tokio::test]
async fn a_slow_body_and_a_thousand_slow_heads_keep_no_other_client_from_being_served_s43h_s43i() {
    let director = Director::new();
    let host = host(&director).await;
    let address = host.address().await;
    let mut slow = Vec::new();
    for number in 0..clients(1_000) {
        let mut client = within("a connection", TcpStream::connect(address)).await.unwrap();
        let body = "POST /call HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n";
        let sent = if number == 0 { body } else { "GET / HTTP/1.1\r\nhost: " };
        client.write_all(sent.as_bytes()).await.unwrap();
        slow.push(client);
    }
    assert_eq!(host.shows("/healthz").await.status, 200);
    // The slow body holds the only permit, and loses it within seconds, because another request waits.
    assert_eq!(host.exchange(&Request::get("/nowhere")).await.status, 404);
    drop(slow);
}

/// Opens and closes connections without a pause until it is told to stop.
async fn flood(address: SocketAddr, stop: Arc<AtomicBool>) -> u64 {
    let mut connections = 0;
    while !stop.load(Ordering::Relaxed) {
        if let Ok(stream) = TcpStream::connect(address).await {
            // A connection that is reset occupies no port.
            let _ = stream.set_zero_linger();
            connections += 1;
        }
    }
    connections
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_connections_delays_neither_checks_nor_requests_for_long_s43h_s14a() {
    let director = Director::new();
    let host = host(&director).await;
    let address = host.address().await;
    let stop = Arc::new(AtomicBool::new(false));
    let flood: Vec<_> = (0..4).map(|_| tokio::spawn(flood(address, Arc::clone(&stop)))).collect();
    let checks = director.count(Kind::Check);
    let mut client = Client::tcp(address).await;
    // Each of them has a time limit of its own.
    let mut served = 0;
    while served < 20 || director.count(Kind::Check) < checks + 20 {
        assert_eq!(client.exchange(&Request::call("next")).await.status, 200);
        served += 1;
    }
    stop.store(true, Ordering::Relaxed);
    let connections: u64 = join_all(flood).await.into_iter().map(Result::unwrap).sum();
    assert!(connections > served, "{connections} connections are no flood beside {served} requests");
    assert!(!host.stderr.text().contains("failed"), "{}", host.stderr.text());
}

/// How many requests wait and leave at a time.
const AT_ONCE: usize = 64;

/// Requests that leave the queue, with a FIN or a reset.
async fn wait_and_leave(address: SocketAddr, requests: usize) {
    let request = b"POST /call HTTP/1.1\r\nhost: a\r\ncontent-length: 16\r\n\r\n{\"name\": \"left\"}";
    for number in 0..requests {
        let mut client = within("a connection", TcpStream::connect(address)).await.unwrap();
        client.write_all(request).await.unwrap();
        if number % 4 == 0 {
            client.set_zero_linger().unwrap();
        }
    }
}

async fn many_wait_and_leave(requests: usize) {
    let director = Director::new();
    let host = Program::run(&director, &["--app", "scripted"]);
    let address = host.address().await;
    let held = host.call("held").await;
    let call = director.call("held").await;
    let (open, before) = (descriptors(host.id()), resident(host.id()));
    let mut leaving = JoinSet::new();
    for _ in 0..AT_ONCE {
        leaving.spawn(wait_and_leave(address, requests / AT_ONCE));
    }
    leaving.join_all().await;
    until(&host, "the host to notice that they have left", |now| now <= open).await;
    let next = host.call("next").await;
    call.succeed().await;
    assert_eq!(held.response().await.status, 200);
    director.call("next").await.succeed().await;
    assert_eq!(next.response().await.status, 200);
    let has_left = |question: &fal_tests::Question| matches!(&question.called, Called::Endpoint(name, _) if name == "left");
    assert!(!director.asked().iter().any(has_left), "no request that left reaches the runner");
    let grown = resident(host.id()).saturating_sub(before);
    assert!(grown < 32 * 1024 * 1024, "{grown} bytes more after {requests} requests");
}

#[tokio::test]
async fn requests_that_wait_and_leave_reach_no_runner_and_leave_nothing_behind_s43d() {
    many_wait_and_leave(2_000).await;
}

#[tokio::test]
#[ignore = "takes most of a minute on an idle machine"]
async fn a_hundred_thousand_requests_that_wait_and_leave_reach_no_runner_s43d() {
    many_wait_and_leave(100_000).await;
}
