//! Generates load: requests over kept connections, each sent when the last response is complete, or streams of events.
//!
//! It writes `started` when its warm-up is over and, after the measured time, what it counted as one line of JSON. So
//! the driver can read the CPU time of the measured program at both moments.

#![expect(clippy::print_stdout, reason = "figures for the program that started it")]

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use fal_health::protocol::Address;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinSet;

/// How long load runs before it is counted, with all connections open.
const WARM_UP: Duration = Duration::from_millis(300);

/// Sends requests over kept connections and counts them
#[derive(Clone, Debug, Parser)]
struct Options {
    /// Where to send them
    address: Address,
    /// The path of the endpoint
    #[arg(long, default_value = "/")]
    path: String,
    /// How many connections
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// The length of a request body, in bytes
    #[arg(long, default_value_t = 28)]
    body: usize,
    /// How long requests are counted, in seconds
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Stop after so many requests, which are all counted, and do not warm up
    #[arg(long)]
    requests: Option<u64>,
    /// Send each of these requests when all threads of this process wait
    #[arg(long, value_name = "PID", requires = "requests")]
    when_idle: Option<u32>,
    /// Count events of responses that do not end
    #[arg(long)]
    events: bool,
}

/// The time that is measured. Exchanges count if they end in it.
#[derive(Clone, Copy)]
struct Window {
    start: Instant,
    end: Instant,
}

impl Window {
    fn contains(self, time: Instant) -> bool {
        (self.start..self.end).contains(&time)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let options = Options::parse();
    let request: Arc<[u8]> = request(&options)?.into();
    let mut connections = Vec::new();
    for _ in 0..options.connections {
        connections.push(connect(&options.address).await?);
    }
    if let Some(requests) = options.requests {
        return send_all(connections, &request, requests, options.when_idle).await;
    }
    if options.events {
        connections = open_streams(connections, &request).await?;
    }
    let start = Instant::now() + WARM_UP;
    let window = Window { start, end: start + Duration::from_secs_f64(options.seconds) };
    let mut clients = JoinSet::new();
    for stream in connections {
        let (request, events) = (Arc::clone(&request), options.events);
        clients.spawn(async move {
            if events { read_events(stream, window).await } else { repeat(stream, &request, window).await }
        });
    }
    tokio::time::sleep_until(window.start.into()).await;
    println!("started");
    tokio::time::sleep_until(window.end.into()).await;
    let mut latencies = Vec::new();
    for counted in clients.join_all().await {
        latencies.extend(counted?);
    }
    latencies.sort_unstable();
    let quantile = |share: usize| latencies.get(latencies.len() * share / 100).map(Duration::as_micros);
    let counted = json!({"count": latencies.len(), "p50_us": quantile(50), "p99_us": quantile(99)});
    println!("{counted}");
    Ok(())
}

/// A POST with a JSON body of the wanted length.
fn request(options: &Options) -> Result<Vec<u8>> {
    let text = options.body.checked_sub(r#"{"text":""}"#.len()).context("a body has at least 11 bytes")?;
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: localhost\r\nuser-agent: bench-load\r\naccept: */*\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        options.path, options.body
    );
    Ok(format!(r#"{head}{{"text":"{}"}}"#, "x".repeat(text)).into_bytes())
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

async fn connect(address: &Address) -> Result<Box<dyn Stream>> {
    match address {
        Address::Tcp(address) => {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream))
        }
        Address::Unix(path) => Ok(Box::new(UnixStream::connect(path).await?)),
    }
}

/// Sends requests, all connections in turn.
async fn send_all(
    mut connections: Vec<Box<dyn Stream>>,
    request: &[u8],
    requests: u64,
    process: Option<u32>,
) -> Result<()> {
    let mut buffer = Vec::new();
    let mut sent = 0;
    while sent < requests {
        for stream in &mut connections {
            while process.map(is_busy).transpose()?.unwrap_or(false) {
                std::thread::yield_now();
            }
            exchange(stream, request, &mut buffer).await?;
            sent += 1;
        }
    }
    Ok(())
}

/// Whether a thread of a process runs or could run.
fn is_busy(process: u32) -> Result<bool> {
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        // A thread that has just ended has none.
        let stat = fs::read_to_string(thread?.path().join("stat")).unwrap_or_default();
        // The state is the letter after the name, which is in parentheses.
        if !stat.rsplit_once(") ").is_some_and(|(_, fields)| fields.starts_with('S')) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Sends requests until the time is over, and returns how long each took that counts.
async fn repeat(mut stream: Box<dyn Stream>, request: &[u8], window: Window) -> Result<Vec<Duration>> {
    let (mut buffer, mut latencies) = (Vec::new(), Vec::new());
    loop {
        let sent = Instant::now();
        exchange(&mut stream, request, &mut buffer).await?;
        let now = Instant::now();
        if window.contains(now) {
            latencies.push(now - sent);
        } else if now >= window.end {
            return Ok(latencies);
        }
    }
}

/// Sends one request while it reads the response.
async fn exchange(stream: &mut Box<dyn Stream>, request: &[u8], buffer: &mut Vec<u8>) -> Result<()> {
    if request.len() <= 4096 {
        stream.write_all(request).await?;
        return read_response(stream, buffer).await;
    }
    let (mut read, mut write) = tokio::io::split(stream);
    let (written, read) = tokio::join!(write.write_all(request), read_response(&mut read, buffer));
    read?;
    Ok(written?)
}

/// Reads a response with a length, which has to be a 200.
async fn read_response(stream: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) -> Result<()> {
    buffer.clear();
    let mut expected = None;
    loop {
        ensure!(stream.read_buf(buffer).await? > 0, "the connection ended before the response");
        if expected.is_none() {
            expected = message_length(buffer)?;
        }
        if expected.is_some_and(|length| buffer.len() >= length) {
            return Ok(());
        }
    }
}

/// The length of a response, when its head is complete.
fn message_length(bytes: &[u8]) -> Result<Option<usize>> {
    let mut fields = [httparse::EMPTY_HEADER; 32];
    let mut head = httparse::Response::new(&mut fields);
    let httparse::Status::Complete(head_length) = head.parse(bytes)? else { return Ok(None) };
    if head.code != Some(200) {
        bail!("not a 200: {}", String::from_utf8_lossy(bytes));
    }
    let length = head.headers.iter().find(|field| field.name.eq_ignore_ascii_case("content-length"));
    let length = length.context("a response without content-length")?;
    Ok(Some(head_length + str::from_utf8(length.value)?.parse::<usize>()?))
}

/// Sends the requests for streams of events, and waits until each of them has begun.
async fn open_streams(streams: Vec<Box<dyn Stream>>, request: &Arc<[u8]>) -> Result<Vec<Box<dyn Stream>>> {
    let mut opening = JoinSet::new();
    for mut stream in streams {
        let request = Arc::clone(request);
        opening.spawn(async move {
            stream.write_all(&request).await?;
            ensure!(stream.read(&mut [0; 1024]).await? > 0, "a stream of events did not begin");
            Ok(stream)
        });
    }
    opening.join_all().await.into_iter().collect()
}

/// Reads one response that does not end, and returns how long each event took that counts. Events are times, in microseconds.
async fn read_events(mut stream: Box<dyn Stream>, window: Window) -> Result<Vec<Duration>> {
    let (mut buffer, mut events) = (vec![0; 16 * 1024], Vec::new());
    loop {
        let length = stream.read(&mut buffer).await?;
        ensure!(length > 0, "a stream of events ended");
        let now = Instant::now();
        if window.contains(now) {
            let arrived = SystemTime::now().duration_since(UNIX_EPOCH)?;
            let lines = buffer.get(..length).unwrap_or_default().split(|byte| *byte == b'\n');
            for sent in lines.filter_map(|line| line.strip_prefix(b"data: ")) {
                let sent = Duration::from_micros(str::from_utf8(sent)?.parse()?);
                events.push(arrived.saturating_sub(sent));
            }
        } else if now >= window.end {
            return Ok(events);
        }
    }
}
