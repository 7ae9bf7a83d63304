//! What clients that abuse a host cost another client: its p99 meanwhile, beside that without them (S43).

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use fal_host::HostHandle;
use fal_runtime::{Context, Error, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setpriority_process, setrlimit};

use crate::latencies::Latencies;

/// How much longer the p99 may be.
const LIMIT: f64 = 2.0;

/// How long the clients abuse the host before the other one is measured.
const WARM_UP: Duration = Duration::from_secs(1);

/// What the slow clients wait between two bytes.
const BETWEEN: Duration = Duration::from_secs(1);

/// What the fast clients wait between two requests.
const PACE: Duration = Duration::from_millis(2);

/// What clients do.
#[derive(Clone, Copy, Debug)]
enum Abuse {
    /// They connect, and send nothing.
    Idle(usize),
    /// They send a beginning, and then one byte a second.
    Sends(usize, &'static str),
    /// They take one byte of their response a second.
    Reads(usize),
    /// They send a request and reset the connection, or close it, at once.
    Leaves,
    /// They connect and leave.
    Connects,
    /// They send a beginning, and then a part a second. When their connection ends, they begin again.
    Holds(usize, &'static str, &'static str),
    /// They send one request after the other, and read the responses.
    Asks(usize, &'static [u8]),
}

/// What the abuse may cost the other client.
#[derive(Clone, Copy, Debug)]
enum Cost {
    /// Its p99 may be longer, by the usual factor.
    P99,
    /// A request may wait for a permit, at the longest this long.
    Wait(Duration),
}

const ABUSES: [(&str, Abuse, Cost); 8] = [
    ("10,000 idle clients", Abuse::Idle(10_000), Cost::P99),
    ("1,000 slow heads", Abuse::Sends(1_000, "POST / HTTP/1.1\r\nhost: "), Cost::P99),
    (
        "1,000 slow bodies",
        Abuse::Sends(1_000, "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9000\r\n\r\n"),
        Cost::P99,
    ),
    ("1,000 slow readers of 64 KiB", Abuse::Reads(1_000), Cost::P99),
    ("500 requests a second that leave", Abuse::Leaves, Cost::P99),
    ("500 connections a second that leave", Abuse::Connects, Cost::P99),
    (
        "20 slow chunked uploads",
        Abuse::Holds(20, UPLOAD, "1\r\na\r\n"),
        // The 5 s of S43i, and the ticks of the clock.
        Cost::Wait(Duration::from_secs(8)),
    ),
    ("nothing", Abuse::Idle(0), Cost::P99),
];

const INTERIM: [(&str, Abuse, Cost); 1] =
    [("900 interim responses a request", Abuse::Asks(2, FLOODED), Cost::P99)];

/// A host in a process of its own: it serves until its standard input ends.
pub(crate) async fn serve(host: HostHandle) -> Result<()> {
    println!("{}", host.address());
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    host.kill();
    host.stopped().await;
    Ok(())
}

struct Host {
    process: Child,
    address: SocketAddr,
}

impl Host {
    fn start(arguments: &[&str]) -> Result<Self> {
        let program = std::env::current_exe()?;
        let mut command = Command::new(program);
        let mut process = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().context("no output")?).read_line(&mut line)?;
        Ok(Self { process, address: line.trim().parse()? })
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // The end of its input ends it.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// Measures a client in turn without and with each abuse, so often.
pub(crate) fn run(rounds: usize, time: Duration) -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?;
    let abused = compare(&Host::start(&["serve"])?, &ABUSES, rounds, time)?;
    let interim = compare(&Host::start(&["serve", "--interim"])?, &INTERIM, rounds, time)?;
    abused.and(interim)
}

/// Measures a client of a host in turn without and with each abuse. The inner error says which of them costs too much.
fn compare(host: &Host, kinds: &[(&str, Abuse, Cost)], rounds: usize, time: Duration) -> Result<Result<()>> {
    let mut quiet = Latencies::default();
    let mut abused: Vec<_> = kinds.iter().map(|abuse| (abuse, Latencies::default())).collect();
    measure(host.address, WARM_UP)?;
    for _ in 0..rounds {
        for ((_, abuse, _), latencies) in &mut abused {
            quiet.merge(&measure(host.address, time / 2)?);
            let running = Abusers::start(*abuse, host.address)?;
            latencies.merge(&measure(host.address, time)?);
            drop(running);
        }
    }
    println!("{:36} {quiet}", "quiet");
    let mut outcome = Ok(());
    for ((name, _, cost), latencies) in &abused {
        let ratio = latencies.quantile(0.99).as_secs_f64() / quiet.quantile(0.99).as_secs_f64();
        println!("{name:36} {latencies}, p99 {ratio:.2} of quiet");
        outcome = outcome.and(match cost {
            Cost::P99 if ratio > LIMIT => Err(format!("{name}: p99 is more than {LIMIT} times as long")),
            Cost::Wait(most) if latencies.quantile(1.0) > *most => {
                Err(format!("{name}: a request has waited for more than {most:?}"))
            }
            Cost::P99 | Cost::Wait(_) => Ok(()),
        });
    }
    Ok(outcome.map_err(Error::msg))
}

/// A client that sends one request after the other, for this time.
fn measure(address: SocketAddr, time: Duration) -> Result<Latencies> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let (begun, mut latencies, mut buffer) = (Instant::now(), Latencies::default(), [0; 4096]);
    while begun.elapsed() < time {
        let sent = Instant::now();
        stream.write_all(REQUEST)?;
        // The response is small: it comes in one piece.
        let length = stream.read(&mut buffer)?;
        if !buffer.starts_with(b"HTTP/1.1 200") {
            let response = String::from_utf8_lossy(buffer.get(..length).unwrap_or_default()).into_owned();
            return Err(Error::msg(format!("a request has failed: {response}")));
        }
        latencies.add(sent.elapsed());
    }
    Ok(latencies)
}

const REQUEST: &[u8] =
    b"POST / HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
const FLOODED: &[u8] =
    b"POST /interim HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
const UPLOAD: &str =
    "POST /hold HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
const LARGE: &[u8] =
    b"POST /large HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";

/// Clients that abuse a host until this is dropped.
struct Abusers {
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<Result<()>>>,
}

impl Abusers {
    /// Starts them, and waits until they have begun.
    fn start(abuse: Abuse, address: SocketAddr) -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (begun, begins) = channel();
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            // Of this thread: what it does itself is not to delay the client that is measured.
            setpriority_process(None, 19)?;
            abuse.run(address, &stopped, &begun)
        });
        let abusers = Self { stop, thread: Some(thread) };
        begins.recv().context("the abuse has failed to begin")?;
        thread::sleep(WARM_UP);
        Ok(abusers)
    }
}

impl Drop for Abusers {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(Ok(Err(error))) = self.thread.take().map(thread::JoinHandle::join) {
            println!("an abuse has ended early: {error}");
        }
    }
}

impl Abuse {
    fn run(self, address: SocketAddr, stop: &AtomicBool, begun: &Sender<()>) -> Result<()> {
        let (count, beginning, sends) = match self {
            Self::Idle(count) => (count, &b""[..], None),
            Self::Sends(count, beginning) => (count, beginning.as_bytes(), Some(true)),
            Self::Reads(count) => (count, LARGE, Some(false)),
            Self::Leaves | Self::Connects => (0, &b""[..], None),
            Self::Holds(count, beginning, part) => return hold(address, count, beginning, part, stop, begun),
            Self::Asks(count, request) => return ask(address, count, request, stop, begun),
        };
        let mut clients = Vec::new();
        for _ in 0..count {
            let mut client = TcpStream::connect(address)?;
            client.write_all(beginning)?;
            client.set_nonblocking(true)?;
            clients.push(client);
        }
        begun.send(())?;
        let pause = if matches!(self, Self::Leaves | Self::Connects) { PACE } else { BETWEEN };
        let mut number = 0_u64;
        while !stop.load(Ordering::Relaxed) {
            thread::sleep(pause);
            number += 1;
            for client in &mut clients {
                let moved = match sends {
                    None => Ok(0),
                    Some(true) => client.write(b"a"),
                    Some(false) => client.read(&mut [0]),
                };
                moved.or_else(
                    |error| if error.kind() == ErrorKind::WouldBlock { Ok(0) } else { Err(error) },
                )?;
            }
            if pause == PACE {
                let mut client = TcpStream::connect(address)?;
                if matches!(self, Self::Leaves) {
                    client.write_all(REQUEST)?;
                }
                if number.is_multiple_of(2) {
                    client.shutdown(Shutdown::Both)?;
                } else {
                    rustix::net::sockopt::set_socket_linger(&client, Some(Duration::ZERO))?;
                }
            }
        }
        Ok(())
    }
}

/// Clients that hold what they get for as long as they may, and then begin again.
fn hold(
    address: SocketAddr,
    count: usize,
    beginning: &str,
    part: &str,
    stop: &AtomicBool,
    begun: &Sender<()>,
) -> Result<()> {
    let connect = || -> Result<TcpStream> {
        let mut client = TcpStream::connect(address)?;
        client.write_all(beginning.as_bytes())?;
        client.set_nonblocking(true)?;
        Ok(client)
    };
    let mut clients = (0..count).map(|_| connect()).collect::<Result<Vec<_>>>()?;
    begun.send(())?;
    while !stop.load(Ordering::Relaxed) {
        thread::sleep(BETWEEN);
        for client in &mut clients {
            let has_ended = match client.read(&mut [0; 4096]) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => false,
                // A response is the host's error: the upload is not complete.
                _ => true,
            };
            if has_ended || client.write(part.as_bytes()).is_err() {
                *client = connect()?;
            }
        }
    }
    Ok(())
}

/// Clients that send one request after the other.
fn ask(
    address: SocketAddr,
    count: usize,
    request: &[u8],
    stop: &AtomicBool,
    begun: &Sender<()>,
) -> Result<()> {
    let mut clients = Vec::new();
    for _ in 0..count {
        clients.push(BufReader::new(TcpStream::connect(address)?));
    }
    begun.send(())?;
    while !stop.load(Ordering::Relaxed) {
        for client in &mut clients {
            client.get_mut().write_all(request)?;
        }
        for client in &mut clients {
            let mut line = String::new();
            while !line.contains("200 OK") {
                line.clear();
                if client.read_line(&mut line)? == 0 {
                    return Err(Error::msg("the host has closed the connection"));
                }
            }
            // The rest of the response.
            while !line.trim().is_empty() {
                line.clear();
                client.read_line(&mut line)?;
            }
            client.read_exact(&mut [0; 2])?;
        }
    }
    Ok(())
}
