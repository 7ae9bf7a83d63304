//! The prober: makes one check of a runner over HTTP (S16–S20).

mod connection;
mod target;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use fal_health::protocol::{Address, ProgressStamp, header};
use fal_health::{Check, Failure, Inconclusive, Outcome, Trigger};
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use http_body_util::{BodyExt, Empty};
use tokio::time::Instant;

use self::connection::{ConnectError, ExchangeError, ProbeConnection};
pub use self::target::OnStall;
pub(crate) use self::target::{InvalidProbeTarget, ProbeTarget};
use crate::lag::LagMeter;

/// A larger response body is a pass before it ends (S17).
const MAX_BODY: usize = 64 * 1024;

/// Makes the checks of one runner, over a connection that it keeps.
#[derive(Clone, Debug)]
pub(crate) struct Prober {
    address: Address,
    target: Arc<ProbeTarget>,
    kept: Arc<Mutex<Option<ProbeConnection>>>,
}

/// The result of one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProbeResult {
    pub(crate) outcome: Outcome,
    /// How long the request runtime has been stalled, if that is at least as long as a check may take.
    pub(crate) stalled: Option<Duration>,
}

/// How one attempt ended.
enum Attempt {
    /// The runner answered with 2xx. The connection is `None` where it cannot be used again.
    Passed(Option<ProbeConnection>, Heartbeat),
    Failed(Failure),
    /// The connection ended before the first byte of the response (S19).
    NoResponse,
    CouldNotAsk,
}

/// Whether the time that the host lost explains a timeout: the runner had less than three quarters of its time, unless
/// it lost the same time itself (S20). Lag explains no other failure.
fn lag_explains_timeout(lost: Duration, timeout: Duration) -> bool {
    lost >= timeout / 4
}

impl Prober {
    pub(crate) fn new(address: Address, target: Arc<ProbeTarget>) -> Self {
        Self { address, target, kept: Arc::default() }
    }

    /// Makes one check. Dropping the future cancels it and closes its connection.
    pub(crate) async fn check(&self, check: Check) -> ProbeResult {
        let started = Instant::now();
        let mut lag = LagMeter::start();
        let attempt = tokio::select! {
            attempt = tokio::time::timeout(check.timeout, self.attempt(check.trigger)) => attempt,
            never = lag.run() => match never {},
        };
        let mut stalled = None;
        let outcome = match attempt {
            Ok(Attempt::Passed(connection, heartbeat)) if started.elapsed() <= check.timeout => {
                self.keep(connection);
                stalled = heartbeat.age.filter(|age| *age >= check.timeout);
                match (stalled, self.target.on_stall) {
                    (Some(_), OnStall::Fail) => Outcome::Failure(Failure::Stalled),
                    _ => Outcome::Pass,
                }
            }
            // A busy host may see the answer and the deadline at once. Such an answer came too late (S18).
            Ok(Attempt::Passed(..)) | Err(_) if lag_explains_timeout(lag.lost(), check.timeout) => {
                Outcome::Inconclusive(Inconclusive::HostLag(Failure::Timeout))
            }
            Ok(Attempt::Passed(..)) | Err(_) => Outcome::Failure(Failure::Timeout),
            Ok(Attempt::Failed(failure)) => Outcome::Failure(failure),
            Ok(Attempt::NoResponse) => Outcome::Failure(Failure::Disconnected),
            Ok(Attempt::CouldNotAsk) => Outcome::Inconclusive(Inconclusive::CouldNotAsk),
        };
        ProbeResult { outcome, stalled }
    }

    /// Closes the kept connection: a runner that stops waits for the end of every connection.
    pub(crate) fn close(&self) {
        self.keep(None);
    }

    fn keep(&self, connection: Option<ProbeConnection>) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = connection;
    }

    async fn attempt(&self, trigger: Trigger) -> Attempt {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut connection) = kept
            && connection.is_reusable().await
        {
            match self.exchange(connection, trigger).await {
                Attempt::NoResponse => {}
                attempt => return attempt,
            }
        }
        match ProbeConnection::open(&self.address).await {
            Ok(connection) => self.exchange(connection, trigger).await,
            Err(ConnectError::OwnShortage) => Attempt::CouldNotAsk,
            Err(ConnectError::Failure(failure)) => Attempt::Failed(failure),
        }
    }

    async fn exchange(&self, mut connection: ProbeConnection, trigger: Trigger) -> Attempt {
        let response = match connection.sender.send_request(self.request(trigger)).await {
            Ok(response) => response,
            Err(error) => return connection.classify(&error).into(),
        };
        let status = response.status();
        if !status.is_success() {
            return Attempt::Failed(Failure::Status(status.as_u16()));
        }
        let heartbeat = Heartbeat::of(response.headers());
        let mut body = response.into_body();
        let mut length = 0;
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => length += frame.data_ref().map_or(0, Bytes::len),
                Err(error) => return connection.classify(&error).into(),
            }
            if length > MAX_BODY {
                return Attempt::Passed(None, heartbeat);
            }
        }
        Attempt::Passed(Some(connection), heartbeat)
    }

    fn request(&self, trigger: Trigger) -> Request<Empty<Bytes>> {
        let mut request = Request::new(Empty::new());
        *request.method_mut() = self.target.method.clone();
        *request.uri_mut() = self.target.uri.clone();
        request.headers_mut().clone_from(&self.target.headers);
        let headers = request.headers_mut();
        headers.insert(&crate::proxy::REQUEST_ID, crate::proxy::new_request_id());
        if trigger == Trigger::Manual {
            headers.insert(HeaderName::from_static(header::HEALTH_CHECK), HeaderValue::from_static("true"));
        }
        request
    }
}

impl From<ExchangeError> for Attempt {
    fn from(error: ExchangeError) -> Self {
        match error {
            ExchangeError::NoResponse => Self::NoResponse,
            ExchangeError::Failure(failure) => Self::Failed(failure),
        }
    }
}

/// The last sign of life of the runner's request runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Heartbeat {
    /// How old it is. `None` where the runner does not report it.
    age: Option<Duration>,
}

impl Heartbeat {
    fn of(headers: &HeaderMap) -> Self {
        let stamp =
            headers.get(header::PROGRESS).and_then(|stamp| ProgressStamp::parse(stamp.to_str().ok()?));
        Self { age: stamp.map(|stamp| stamp.canary) }
    }
}

#[cfg(test)]
mod tests;
