//! Rolling updates behind a load balancer that learns late that an instance stops: S66.
//!
//! `FAL_ROLLOUTS=50 cargo test --release -p fal-tests --test suite rollouts` makes that many rollouts of each entry point,
//! and removes an instance 1 s after SIGTERM, as kube-proxy may. Without the variable there are 2, and it takes 300 ms.
//! `FAL_ROLLOUT_REQUEST=14` lets the long requests take so many seconds, which is more than the grace period.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::Signal;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::harness::*;

/// How many clients of each kind there are.
const CLIENTS: usize = 4;

/// How long a client waits between two requests.
const PAUSE: Duration = Duration::from_millis(20);

/// How many rollouts there are, and how long the load balancer takes to remove an instance.
fn extent() -> (usize, Duration) {
    match std::env::var("FAL_ROLLOUTS") {
        Ok(count) => (count.parse().unwrap(), Duration::from_secs(1)),
        Err(_) => (2, Duration::from_millis(300)),
    }
}

/// How long the long requests take. They are still in flight when their instance has stopped listening.
fn long_request(removal: Duration) -> Duration {
    let seconds = std::env::var("FAL_ROLLOUT_REQUEST").map(|seconds| seconds.parse().unwrap());
    seconds.map_or(removal * 2, Duration::from_secs)
}

/// The addresses to which a load balancer sends new connections.
#[derive(Clone, Debug, Default)]
struct LoadBalancer(Arc<Mutex<Vec<SocketAddr>>>);

impl LoadBalancer {
    fn add(&self, address: SocketAddr) {
        self.0.lock().unwrap().push(address);
    }

    fn remove(&self, address: SocketAddr) {
        self.0.lock().unwrap().retain(|known| *known != address);
    }

    async fn connect(&self, turn: usize) -> io::Result<BufReader<TcpStream>> {
        let address = {
            let addresses = self.0.lock().unwrap();
            addresses[turn % addresses.len()]
        };
        TcpStream::connect(address).await.map(BufReader::new)
    }
}

/// How a client uses its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Client {
    /// Each request has a connection of its own.
    ConnectionPerRequest,
    /// It keeps a connection until a response closes it.
    KeepsAlive,
}

/// Sends requests until `done`. Returns the number of responses and what was lost.
async fn load(
    client: Client,
    balancer: LoadBalancer,
    duration: Duration,
    done: Arc<AtomicBool>,
    served: Arc<AtomicUsize>,
) -> Vec<String> {
    let mut lost = Vec::new();
    let mut connection = None;
    for turn in 0.. {
        if done.load(Ordering::Relaxed) {
            break;
        }
        let sent = async {
            let mut stream = match connection.take() {
                Some(stream) => stream,
                None => balancer.connect(turn).await?,
            };
            let closes = exchange(&mut stream, duration).await?;
            Ok::<_, io::Error>((!closes && client == Client::KeepsAlive).then_some(stream))
        };
        match sent.await {
            Ok(kept) => {
                connection = kept;
                served.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => lost.push(format!("{client:?}, {duration:?}: {error}")),
        }
        sleep(PAUSE).await;
    }
    lost
}

/// Sends a request that takes this long. Returns whether its response closes the connection.
async fn exchange(stream: &mut BufReader<TcpStream>, duration: Duration) -> io::Result<bool> {
    let body = format!("{{\"milliseconds\":{}}}", duration.as_millis());
    let length = body.len();
    let request = format!(
        "POST /pause HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await? == 0 {
            return Err(io::Error::other(format!("the connection ended: {head:?}")));
        }
    }
    if !head.starts_with("HTTP/1.1 200") {
        return Err(io::Error::other(head));
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).await?;
    Ok(head.contains("connection: close"))
}

/// Replaces an instance again and again, one after another, under load.
async fn roll(start: impl Fn(&str) -> Program) {
    let (rollouts, removal) = extent();
    let lame_duck = format!("{}ms", (removal + removal / 2).as_millis());
    let balancer = LoadBalancer::default();
    let (done, served) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
    let mut current = ready(start(&lame_duck)).await;
    balancer.add(current.1);
    let mut clients = JoinSet::new();
    for duration in [Duration::from_millis(20), long_request(removal)] {
        for client in [Client::ConnectionPerRequest, Client::KeepsAlive] {
            for _ in 0..CLIENTS {
                let load = load(client, balancer.clone(), duration, Arc::clone(&done), Arc::clone(&served));
                clients.spawn(load);
            }
        }
    }
    for _ in 0..rollouts {
        let next = ready(start(&lame_duck)).await;
        balancer.add(next.1);
        let (mut old, address) = std::mem::replace(&mut current, next);
        old.signal(Signal::TERM);
        // What is simulated: the time until a load balancer reacts.
        sleep(removal).await;
        balancer.remove(address);
        assert_eq!(old.exit().await, Some(0), "{}", old.stderr.text());
    }
    done.store(true, Ordering::Relaxed);
    let lost: Vec<_> = clients.join_all().await.into_iter().flatten().collect();
    let served = served.load(Ordering::Relaxed);
    println!("{rollouts} rollouts: {served} requests served, {} lost", lost.len());
    assert!(lost.is_empty(), "{} of {served} lost: {lost:#?}", lost.len());
    assert!(served > rollouts * 10);
}

/// Waits until an instance is ready, as a load balancer does. Returns its address for requests.
async fn ready(instance: Program) -> (Program, SocketAddr) {
    let probes = instance.probes().await;
    let probe = async || crate::harness::Client::tcp(probes).await.exchange(&Request::get("/readyz")).await;
    while probe().await.status != 200 {
        sleep(Duration::from_millis(5)).await;
    }
    let address = instance.address().await;
    (instance, address)
}

const ARGUMENTS: [&str; 2] = ["--probes=127.0.0.1:0", "--drain-timeout=30s"];

#[tokio::test]
async fn no_request_is_lost_in_rollouts_of_run_s66a_s66b_s66c() {
    roll(|lame_duck| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fixture"));
        command.args(["run", "--app=timed", "--listen=127.0.0.1:0", "--admin=off", "--lame-duck", lame_duck]);
        Program::start(command.args(ARGUMENTS))
    })
    .await;
}

#[tokio::test]
async fn no_request_is_lost_in_rollouts_of_fal_host_s66a_s66b_s66c() {
    roll(|lame_duck| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_host_program"));
        command.args([
            "--listen=127.0.0.1:0",
            "--admin=off",
            "--max-multiplexing=64",
            "--lame-duck",
            lame_duck,
        ]);
        let serve =
            format!("exec {} serve --app=timed --listen=tcp:127.0.0.1:$PORT", env!("CARGO_BIN_EXE_fixture"));
        Program::start(command.args(ARGUMENTS).args(["--health=GET:/health", "--", "sh", "-c", &serve]))
    })
    .await;
}

#[tokio::test]
async fn no_request_is_lost_in_rollouts_of_serve_s66a_s66b_s66c() {
    roll(|lame_duck| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fixture"));
        command.args(["serve", "--app=timed", "--listen=tcp:127.0.0.1:0", "--lame-duck", lame_duck]);
        Program::start(command.args(ARGUMENTS))
    })
    .await;
}
