//! What a host makes of the bytes of a client and of a runner. A real host forwards them over real sockets.
//!
//! An input is what the client sends and, after two zero bytes, what the runner answers to each request. No input may cause a
//! panic or take a permit forever. What reaches the runner, and what reaches the client, must be valid messages with one
//! possible end.

#![no_main]

use std::cell::RefCell;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use fal_host::{
    Address, AppSpec, Exit, Host, HostHandle, LaunchError, Launcher, RunnerHandle, RunnerId, StatusReporter,
};
use libfuzzer_sys::fuzz_target;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::Mutex;
use tokio::time::timeout;

#[path = "../../fal-host/src/proxy/tests/abuse/strict.rs"]
mod strict;

use strict::Strict;

/// Longer than any exchange may take. The longest wait is the second for a `100 Continue`.
const PATIENCE: Duration = Duration::from_secs(20);

/// How many requests of one input are answered.
const MAX_ANSWERS: usize = 64;

fuzz_target!(|input: &[u8]| {
    let separator = input.windows(2).position(|window| window == [0, 0]);
    let (sent, answer) = separator.map_or((input, &b""[..]), |at| (&input[..at], &input[at + 2..]));
    thread_local!(static RIG: RefCell<Option<Rig>> = const { RefCell::new(None) });
    RIG.with_borrow_mut(|rig| rig.get_or_insert_with(Rig::start).exchange(sent, answer));
});

/// A host with one runner, and the runner's listener.
struct Rig {
    runtime: Runtime,
    host: HostHandle,
    runner: Arc<Mutex<TcpListener>>,
}

impl Rig {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (host, listener) = runtime.block_on(async {
            let any = SocketAddr::from(([127, 0, 0, 1], 0));
            let listener = TcpListener::bind(any).await.expect("a port");
            let launcher = InThisProcess(listener.local_addr().expect("an address"));
            let app = AppSpec::new("fuzz").max_multiplexing(NonZeroU32::MIN);
            let host = Host::with_launcher(app, launcher).listen(any).admin(None).start().await.expect("a host");
            (host, listener)
        });
        Self { runtime, host, runner: Arc::new(Mutex::new(listener)) }
    }

    fn exchange(&self, sent: &[u8], answer: &[u8]) {
        self.runtime.block_on(async {
            let serving = tokio::spawn(serve(Arc::clone(&self.runner), answer.to_vec()));
            let mut client = TcpStream::connect(self.host.address()).await.expect("the host accepts");
            // The host may refuse a request before it has read all of it.
            let _ = client.write_all(sent).await;
            let _ = client.shutdown().await;
            let mut received = Vec::new();
            let reading = timeout(PATIENCE, client.read_to_end(&mut received)).await;
            // A reset is an end, too.
            let _ = reading.expect("the connection of a client that has closed its side ends");
            drop(client);
            check_responses(&received);
            timeout(PATIENCE, self.released()).await.expect("the permit is released");
            serving.abort();
            if let Err(error) = serving.await {
                assert!(error.is_cancelled(), "{error}");
            }
        });
    }

    /// Waits until no request is in flight.
    async fn released(&self) {
        loop {
            let snapshot = self.host.snapshot().await.expect("the host runs");
            assert!(snapshot.ended.is_empty(), "the runner is not suspected");
            if snapshot.runners.iter().all(|runner| runner.in_flight == 0) {
                return;
            }
            tokio::task::yield_now().await;
        }
    }
}

/// Answers one request on each connection, and closes it.
async fn serve(listener: Arc<Mutex<TcpListener>>, answer: Vec<u8>) {
    let listener = listener.lock().await;
    let mut answers = 0;
    while let Ok((mut stream, _)) = listener.accept().await {
        let mut received = Vec::new();
        loop {
            if is_complete(&received) {
                answers += 1;
                if answers <= MAX_ANSWERS {
                    let _ = stream.write_all(&answer).await;
                }
                break;
            }
            match stream.read_buf(&mut received).await {
                Ok(length) if length > 0 => {}
                // The client has left, or has sent a part only.
                _ => break,
            }
        }
    }
}

/// Whether a whole request has arrived. Nothing may follow it: the host waits for its response.
fn is_complete(received: &[u8]) -> bool {
    let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let request = Strict::request(received).expect("a valid request reaches the runner");
    let body = &received[end + 4..];
    if request.all("expect").next().is_some() || request.all("upgrade").next().is_some() {
        return true;
    }
    if request.all("transfer-encoding").next().is_some() {
        let Some(length) = chunked_length(body) else { return false };
        assert_eq!(length, body.len(), "something follows a request");
        return true;
    }
    let length = request.all("content-length").next().map_or(0, |length| length.parse().expect("a number"));
    assert!(body.len() <= length, "something follows a request");
    body.len() == length
}

/// The length of a body in chunks, if it is whole. The host may write no other form.
fn chunked_length(body: &[u8]) -> Option<usize> {
    let line_at = |at: usize| body[at..].windows(2).position(|window| window == b"\r\n");
    let mut at = 0;
    loop {
        let line = line_at(at)?;
        let digits = str::from_utf8(&body[at..at + line]).expect("a size is text");
        let size = usize::from_str_radix(digits, 16).expect("a size is a hexadecimal number");
        at += line + 2;
        if size == 0 {
            break;
        }
        let end = body.get(at + size..at + size + 2)?;
        assert_eq!(end, b"\r\n", "a chunk ends where its size says");
        at += size + 2;
    }
    loop {
        let line = line_at(at)?;
        at += line + 2;
        if line == 0 {
            return Some(at);
        }
    }
}

/// Checks that a client gets valid responses. The last one may be cut.
fn check_responses(mut received: &[u8]) {
    while !received.is_empty() {
        let response = Strict::response(received).expect("a valid response reaches the client");
        if matches!(response.status(), 101 | 204 | 304) {
            return;
        }
        let body = &received[received.len() - response.body.len()..];
        // A response to HEAD has a length and no body, and another response may follow it.
        if body.starts_with(b"HTTP/") {
            return;
        }
        let length = match response.all("content-length").next() {
            Some(length) => Some(length.parse().expect("a number")),
            None if response.all("transfer-encoding").next().is_some() => chunked_length(body),
            None => None,
        };
        let Some(rest) = length.and_then(|length: usize| body.get(length..)) else { return };
        received = rest;
    }
}

/// A runner that is a task of this process.
struct InThisProcess(SocketAddr);

impl Launcher for InThisProcess {
    fn launch(&mut self, _: RunnerId, reporter: StatusReporter) -> Result<Box<dyn RunnerHandle>, LaunchError> {
        reporter.ready();
        Ok(Box::new(Task { address: self.0, reporter }))
    }
}

struct Task {
    address: SocketAddr,
    reporter: StatusReporter,
}

impl RunnerHandle for Task {
    fn address(&self) -> Address {
        Address::Tcp(self.address)
    }

    fn pid(&self) -> Option<u32> {
        None
    }

    fn terminate(&mut self) {
        self.kill();
    }

    fn kill(&mut self) {
        self.reporter.exited(Exit::Unknown);
    }
}
