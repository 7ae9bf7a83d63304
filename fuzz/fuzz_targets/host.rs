//! A real host with one runner, which is a task of this process.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fal_host::{
    Address, AppSpec, Exit, Host, HostHandle, LaunchError, Launcher, RunnerHandle, RunnerId, StatusReporter,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::strict::Strict;

/// Longer than any exchange may take. The longest wait is the second for a `100 Continue`.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// How many requests of one input are answered.
const MAX_ANSWERS: usize = 64;

/// Starts a host of this app. Its runner is what accepts the connections of the listener.
pub(crate) async fn start(app: AppSpec) -> (HostHandle, TcpListener) {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = TcpListener::bind(any).await.expect("a port");
    let launcher = InThisProcess(listener.local_addr().expect("an address"));
    let host = Host::with_launcher(app, launcher).listen(any).admin(None).start().await.expect("a host");
    (host, listener)
}

/// Waits until no request is in flight.
pub(crate) async fn released(host: &HostHandle) {
    let waiting = async {
        loop {
            let snapshot = host.snapshot().await.expect("the host runs");
            assert!(snapshot.ended.is_empty(), "the runner is not suspected");
            if snapshot.runners.iter().all(|runner| runner.in_flight == 0) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, waiting).await.expect("the permit is released");
}

/// Answers one request on each connection, and closes it.
pub(crate) async fn serve(listener: Arc<Mutex<TcpListener>>, answer: Vec<u8>) {
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
pub(crate) fn chunked_length(body: &[u8]) -> Option<usize> {
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

/// A runner that is a task of this process.
struct InThisProcess(SocketAddr);

impl Launcher for InThisProcess {
    fn launch(
        &mut self,
        _: RunnerId,
        reporter: StatusReporter,
    ) -> Result<Box<dyn RunnerHandle>, LaunchError> {
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
