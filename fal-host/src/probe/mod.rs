//! One check over HTTP (S16–S20).

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use fal_health::protocol::{Address, ProgressStamp, header};
use fal_health::{Check, Failure, HealthCheckSpec, Inconclusive, Outcome, Trigger};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use crate::connect::{Stream, connect, is_own_shortage};
use crate::lag::LagMeter;

/// A body larger than this is a pass before it ends (S17).
const LONGEST_BODY: usize = 64 * 1024;

type Sender = http1::SendRequest<Empty<Bytes>>;

/// Makes the checks of one runner, over a connection that it keeps.
#[derive(Clone, Debug)]
pub(crate) struct Prober {
    address: Address,
    call: Arc<Call>,
    kept: Arc<Mutex<Option<Connection>>>,
}

/// What every check of an app has in common.
#[derive(Debug)]
pub(crate) struct Call {
    method: Method,
    uri: Uri,
    on_stall: OnStall,
}

/// What a check is that passes while the runtime that serves the runner's requests stands still.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnStall {
    /// A pass, and an event.
    #[default]
    Note,
    /// A failure, `stalled`, and an event (S18).
    Fail,
}

/// What one check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) outcome: Outcome,
    /// For how long the runtime that serves requests has stood still, where that is as long as a check may take.
    pub(crate) stalled: Option<Duration>,
}

#[derive(Debug, thiserror::Error)]
#[error(
    "a health check cannot be made by {method} {path:?}: it needs an HTTP method and a path that begins with /"
)]
pub(crate) struct BadCall {
    method: String,
    path: String,
}

impl Call {
    pub(crate) fn new(spec: &HealthCheckSpec, on_stall: OnStall) -> Result<Self, BadCall> {
        let bad = || BadCall { method: spec.method.to_string(), path: spec.path.to_string() };
        let method = Method::from_bytes(spec.method.as_bytes()).map_err(|_| bad())?;
        let uri = spec.path.starts_with('/').then(|| spec.path.parse().ok()).flatten().ok_or_else(bad)?;
        Ok(Self { method, uri, on_stall })
    }
}

#[derive(Debug)]
struct Connection {
    sender: Sender,
    heard: Arc<AtomicBool>,
}

/// How one attempt ended.
enum Attempt {
    Passed(Option<Connection>, Pulse),
    Failed(Failure),
    /// The connection ended before one byte of the response (S19).
    Silent,
    CouldNotAsk,
}

/// Whether the time that the host lost explains that an answer did not come: the runner had less than three quarters of
/// its time, if it was not held up itself (S20). No other failure can come of lag.
fn explains(lost: Duration, timeout: Duration) -> bool {
    lost >= timeout / 4
}

impl Prober {
    pub(crate) fn new(address: Address, call: Arc<Call>) -> Self {
        Self { address, call, kept: Arc::default() }
    }

    /// Makes one check. Dropping the future gives it up, and closes its connection.
    pub(crate) async fn check(&self, check: Check) -> Finding {
        let started = Instant::now();
        let mut lag = LagMeter::start();
        let attempt = tokio::select! {
            attempt = tokio::time::timeout(check.timeout, self.ask(check.trigger)) => attempt,
            never = lag.run() => match never {},
        };
        let mut stalled = None;
        let outcome = match attempt {
            Ok(Attempt::Passed(connection, Pulse(still))) if started.elapsed() <= check.timeout => {
                *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = connection;
                stalled = still.filter(|still| *still >= check.timeout);
                match (stalled, self.call.on_stall) {
                    (Some(_), OnStall::Fail) => Outcome::Failure(Failure::Stalled),
                    _ => Outcome::Pass,
                }
            }
            // A busy host may see an answer and the deadline at once: the answer came too late (S18).
            Ok(Attempt::Passed(..)) | Err(_) if explains(lag.lost(), check.timeout) => {
                Outcome::Inconclusive(Inconclusive::HostLag(Failure::Timeout))
            }
            Ok(Attempt::Passed(..)) | Err(_) => Outcome::Failure(Failure::Timeout),
            Ok(Attempt::Failed(failure)) => Outcome::Failure(failure),
            Ok(Attempt::Silent) => Outcome::Failure(Failure::Disconnected),
            Ok(Attempt::CouldNotAsk) => Outcome::Inconclusive(Inconclusive::CouldNotAsk),
        };
        Finding { outcome, stalled }
    }

    /// Closes the connection that it keeps: a runner that stops waits for the end of each.
    pub(crate) fn close(&self) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    async fn ask(&self, trigger: Trigger) -> Attempt {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut connection) = kept
            && connection.sender.ready().await.is_ok()
        {
            connection.heard.store(false, Ordering::Relaxed);
            match self.exchange(connection, trigger).await {
                Attempt::Silent => {}
                attempt => return attempt,
            }
        }
        match self.connect().await {
            Ok(connection) => self.exchange(connection, trigger).await,
            Err(attempt) => attempt,
        }
    }

    async fn connect(&self) -> Result<Connection, Attempt> {
        let stream = connect(&self.address).await.map_err(|error| {
            if is_own_shortage(&error) { Attempt::CouldNotAsk } else { Attempt::Failed(Failure::Connect) }
        })?;
        let heard = Arc::new(AtomicBool::new(false));
        let io = TokioIo::new(Listened { stream, heard: Arc::clone(&heard) });
        let (sender, connection) =
            http1::handshake(io).await.map_err(|_| Attempt::Failed(Failure::Disconnected))?;
        // On one thread with whoever asks, as all checks are made. Elsewhere a request could be handed over while the
        // connection is taken down, and would neither be sent nor come back (hyper's issue 4122).
        tokio::spawn(async move {
            // Its error is the exchange's error too.
            let _ = connection.await;
        });
        Ok(Connection { sender, heard })
    }

    async fn exchange(&self, mut connection: Connection, trigger: Trigger) -> Attempt {
        let response = match connection.sender.send_request(self.request(trigger)).await {
            Ok(response) => response,
            Err(error) => return connection.failed(&error),
        };
        let status = response.status();
        if !status.is_success() {
            return Attempt::Failed(Failure::Status(status.as_u16()));
        }
        let pulse = Pulse::of(response.headers());
        let mut body = response.into_body();
        let mut length = 0;
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => length += frame.data_ref().map_or(0, Bytes::len),
                Err(error) => return connection.failed(&error),
            }
            if length > LONGEST_BODY {
                return Attempt::Passed(None, pulse);
            }
        }
        Attempt::Passed(Some(connection), pulse)
    }

    fn request(&self, trigger: Trigger) -> Request<Empty<Bytes>> {
        let mut request = Request::new(Empty::new());
        *request.method_mut() = self.call.method.clone();
        *request.uri_mut() = self.call.uri.clone();
        let headers = request.headers_mut();
        headers.insert(http::header::HOST, HeaderValue::from_static("runner"));
        headers.insert(&crate::proxy::REQUEST_ID, crate::proxy::new_request_id());
        if trigger == Trigger::Manual {
            headers.insert(HeaderName::from_static(header::HEALTH_CHECK), HeaderValue::from_static("true"));
        }
        request
    }
}

/// For how long the runtime that serves a runner's requests has not shown that it runs, where the runner says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pulse(Option<Duration>);

impl Pulse {
    fn of(headers: &HeaderMap) -> Self {
        let stamp =
            headers.get(header::PROGRESS).and_then(|stamp| ProgressStamp::parse(stamp.to_str().ok()?));
        Self(stamp.map(|stamp| stamp.canary))
    }
}

impl Connection {
    fn failed(&self, error: &hyper::Error) -> Attempt {
        if is_malformed(error) {
            Attempt::Failed(Failure::Malformed)
        } else if self.heard.load(Ordering::Relaxed) {
            Attempt::Failed(Failure::Disconnected)
        } else {
            Attempt::Silent
        }
    }
}

fn is_malformed(error: &hyper::Error) -> bool {
    // Of a body's framing hyper tells by the kind of an I/O error.
    let framing =
        std::error::Error::source(error).and_then(|source| source.downcast_ref::<io::Error>()).is_some_and(
            |source| matches!(source.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData),
        );
    error.is_parse() || framing
}

/// Notes whether anything has been heard.
#[derive(Debug)]
struct Listened {
    stream: Stream,
    heard: Arc<AtomicBool>,
}

impl AsyncRead for Listened {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.heard.store(true, Ordering::Relaxed);
        }
        read
    }
}

impl AsyncWrite for Listened {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;
