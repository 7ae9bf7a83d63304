//! Upgrades under load: no request may be lost, and no connection refused (S90, S92).
//!
//! `FAL_UPGRADES=50 cargo test --release -p fal-tests --test suite upgrades_under_load -- --nocapture` makes that many. Without
//! the variable there are 3.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::harness::*;

/// How many clients there are, half of which keep their connections.
const CLIENTS: u32 = 10;

/// Requests a second of all clients.
const RATE: u32 = 500;

/// How long after an upgrade the next one follows.
const PAUSE: Duration = Duration::from_millis(500);

/// How long the load runs before the first upgrade.
const QUIET: Duration = Duration::from_secs(2);

/// What the load is for at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Phase {
    Quiet,
    Upgrading,
    Done,
}

/// What a client has seen: durations of responses by phase, and what was lost.
#[derive(Debug, Default)]
struct Seen {
    quiet: Vec<Duration>,
    upgrading: Vec<Duration>,
    lost: Vec<String>,
}

async fn load(address: SocketAddr, keeps_alive: bool, phase: Arc<AtomicU8>) -> Seen {
    let mut seen = Seen::default();
    let mut connection = None;
    let mut ticks = interval(Duration::from_secs(1) * CLIENTS / RATE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    loop {
        // A request is late if the one before it was slow: the time begins when it was due.
        let due = ticks.tick().await.into_std();
        let now = phase.load(Ordering::Relaxed);
        if now == Phase::Done as u8 {
            return seen;
        }
        let sent = async {
            let mut stream = match connection.take() {
                Some(stream) => stream,
                None => BufReader::new(TcpStream::connect(address).await?),
            };
            let closes = exchange(&mut stream).await?;
            Ok::<_, std::io::Error>((!closes && keeps_alive).then_some(stream))
        };
        match sent.await {
            Ok(kept) => {
                connection = kept;
                let durations = if now == Phase::Quiet as u8 { &mut seen.quiet } else { &mut seen.upgrading };
                durations.push(due.elapsed());
            }
            Err(error) => seen.lost.push(format!("keeps alive: {keeps_alive}: {error}")),
        }
    }
}

/// Sends a request that takes a millisecond. Returns whether its response closes the connection.
async fn exchange(stream: &mut BufReader<TcpStream>) -> std::io::Result<bool> {
    let body = "{\"milliseconds\":1}";
    let length = body.len();
    let request = format!(
        "POST /pause HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await? == 0 {
            return Err(std::io::Error::other(format!("the connection ended: {head:?}")));
        }
    }
    if !head.starts_with("HTTP/1.1 200") {
        return Err(std::io::Error::other(head));
    }
    stream.read_exact(&mut [0; 1]).await?;
    Ok(head.contains("connection: close"))
}

fn p99(mut durations: Vec<Duration>) -> Duration {
    durations.sort_unstable();
    durations[durations.len() * 99 / 100]
}

fn start(directory: &TempDir) -> Program {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fixture"));
    command.env("XDG_RUNTIME_DIR", directory.path()).env_remove("FAL_CONTROL_SOCKET");
    command.args(["run", "--app=timed", "--listen=127.0.0.1:0", "--admin=off", "--probes=127.0.0.1:0"]);
    Program::start(command.arg("--pid-file").arg(directory.path().join("pid")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_is_lost_in_upgrades_under_load_s90a_s92b() {
    let upgrades: usize = std::env::var("FAL_UPGRADES").map_or(3, |count| count.parse().unwrap());
    let directory = tempfile::tempdir().unwrap();
    let mut host = start(&directory);
    host.stderr.line("IDLE: takes requests runner=1").await;
    let (address, probes) = (host.address().await, host.probes().await);
    let phase = Arc::new(AtomicU8::new(Phase::Quiet as u8));
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        clients.spawn(load(address, client % 2 == 0, Arc::clone(&phase)));
    }
    // What is measured: a time without an upgrade.
    sleep(QUIET).await;
    phase.store(Phase::Upgrading as u8, Ordering::Relaxed);
    let began = Instant::now();
    let mut hosts = Vec::new();
    for _ in 0..upgrades {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fixture"));
        command.env("XDG_RUNTIME_DIR", directory.path()).env_remove("FAL_CONTROL_SOCKET");
        let ended = output(command.arg("upgrade")).await;
        assert_eq!(ended.code, Some(0), "{} {} {}", ended.stdout, ended.stderr, host.stderr.text());
        hosts.push(Process::new(ended.stdout.split(' ').nth(1).unwrap().parse().unwrap()));
        let ready = Client::tcp(probes).await.exchange(&Request::get("/readyz")).await;
        assert_eq!(ready.status, 200, "the service is ready whichever host answers");
        sleep(PAUSE).await;
    }
    let took = began.elapsed();
    let newest = hosts.pop().unwrap();
    for host in &hosts {
        host.ended().await;
    }
    assert_eq!(host.exit().await, Some(0));
    phase.store(Phase::Done as u8, Ordering::Relaxed);
    let seen = clients.join_all().await;
    newest.signal(Signal::TERM);
    newest.ended().await;

    let lost: Vec<_> = seen.iter().flat_map(|seen| &seen.lost).collect();
    let (quiet, upgrading): (Vec<_>, Vec<_>) = seen.iter().map(|seen| (&seen.quiet, &seen.upgrading)).unzip();
    let flat = |durations: Vec<&Vec<Duration>>| durations.into_iter().flatten().copied().collect::<Vec<_>>();
    let (quiet, upgrading) = (flat(quiet), flat(upgrading));
    let served = quiet.len() + upgrading.len();
    println!("{upgrades} upgrades in {took:?}: {served} requests served, {} lost", lost.len());
    let (before, during) = (p99(quiet), p99(upgrading));
    println!(
        "p99 {before:?} before and {during:?} meanwhile: {:.1} times",
        during.as_secs_f64() / before.as_secs_f64()
    );
    assert!(lost.is_empty(), "{} of {served} lost: {lost:#?}", lost.len());
    assert!(served > upgrades * 10);
}
