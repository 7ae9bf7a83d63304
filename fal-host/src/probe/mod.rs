//! The prober: makes one check of a runner over HTTP (S16–S20).

mod connection;
mod detail;
mod html;
mod response;
mod target;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fal_health::protocol::{Address, ProgressStamp, header};
use fal_health::{Check, Failure, Inconclusive, Outcome, Trigger};
use http::HeaderMap;
use tokio::time::Instant;

use self::connection::{Answer, ConnectError, ProbeConnection};
use self::response::ExchangeError;
pub(crate) use self::target::{InvalidProbeTarget, ProbeTarget};
use crate::evidence::Evidence;
use crate::fleet::Finding;
use crate::lag::LagMeter;

/// The greatest age of a connection for checks, and its age in check intervals (S19d).
const MAX_CONNECTION_AGE: Duration = Duration::from_secs(60);
const MAX_CONNECTION_INTERVALS: u32 = 4;

/// Makes the checks of one runner, over a connection that it keeps for some of them.
#[derive(Debug)]
pub(crate) struct Prober {
    address: Address,
    target: Arc<ProbeTarget>,
    kept: Mutex<Option<ProbeConnection>>,
    /// A connection that is as old is closed. A runner that accepts no connections would pass on one that is open.
    max_age: Duration,
    /// Keeps why checks failed.
    evidence: Arc<Evidence>,
}

/// How one attempt ended.
enum Attempt {
    /// The runner answered with 2xx. The connection is `None` where it cannot be used again.
    Passed(Option<ProbeConnection>, Option<ProgressStamp>),
    /// The second field says why, if that is known.
    Failed(Failure, Option<String>),
    /// The connection ended before the first byte of the response (S19).
    NoResponse,
    CouldNotAsk,
}

impl Prober {
    pub(crate) fn new(address: Address, target: Arc<ProbeTarget>) -> Self {
        let (kept, evidence) = Default::default();
        Self { address, target, kept, max_age: MAX_CONNECTION_AGE, evidence }
    }

    /// Periodic checks are this far apart.
    pub(crate) fn with_interval(mut self, interval: Duration) -> Self {
        self.max_age = interval.saturating_mul(MAX_CONNECTION_INTERVALS).min(MAX_CONNECTION_AGE);
        self
    }

    /// Keeps there why checks fail.
    pub(crate) fn with_evidence(mut self, evidence: Arc<Evidence>) -> Self {
        self.evidence = evidence;
        self
    }

    /// Makes one check. Dropping the future cancels it and closes its connection.
    pub(crate) async fn check(&self, check: Check) -> Finding {
        let started = Instant::now();
        let mut lag = LagMeter::start();
        let attempt = lag.timeout(check.timeout, self.attempt(check.trigger)).await;
        let mut stamp = None;
        let answer = match attempt {
            Some(Attempt::Passed(connection, progress)) if started.elapsed() <= check.timeout => {
                self.keep(connection);
                stamp = progress;
                Outcome::Pass
            }
            // A busy host may see the answer and the deadline at once. Such an answer came too late (S18).
            Some(Attempt::Passed(..)) | None => Outcome::Failure(Failure::Timeout),
            Some(Attempt::Failed(failure, detail)) => {
                if let Some(detail) = detail {
                    self.evidence.check_failed(check.id, &detail);
                }
                Outcome::Failure(failure)
            }
            Some(Attempt::NoResponse) => Outcome::Failure(Failure::Disconnected),
            Some(Attempt::CouldNotAsk) => Outcome::Inconclusive(Inconclusive::CouldNotAsk),
        };
        Finding {
            host_lag: lag.lost(),
            canary: stamp.map(|stamp| stamp.canary),
            oldest_request: stamp.and_then(|stamp| stamp.oldest),
            ..Finding::from(answer)
        }
    }

    /// Where it keeps why checks fail.
    pub(crate) fn evidence(&self) -> &Evidence {
        &self.evidence
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
        // One that is not used is closed before another is opened: a server may serve one connection at a time.
        if let Some(mut connection) = kept
            && connection.age() < self.max_age
            && connection.is_silent()
        {
            match self.exchange(connection, trigger).await {
                Attempt::NoResponse => {}
                attempt => return attempt,
            }
        }
        match ProbeConnection::open(&self.address).await {
            Ok(connection) => self.exchange(connection, trigger).await,
            Err(ConnectError::OwnShortage) => Attempt::CouldNotAsk,
            Err(ConnectError::Failure(failure, detail)) => Attempt::Failed(failure, Some(detail)),
        }
    }

    async fn exchange(&self, mut connection: ProbeConnection, trigger: Trigger) -> Attempt {
        let request = self.target.encode(trigger);
        match connection.exchange(&request, self.target.is_head()).await {
            Ok(Answer { status, detail, .. }) if !status.is_success() => {
                Attempt::Failed(Failure::Status(status.as_u16()), detail)
            }
            Ok(Answer { headers, keeps_alive, .. }) => {
                Attempt::Passed(Some(connection).filter(|_| keeps_alive), progress_of(&headers))
            }
            Err(error) => error.into(),
        }
    }
}

impl From<ExchangeError> for Attempt {
    fn from(error: ExchangeError) -> Self {
        match error {
            ExchangeError::NoResponse => Self::NoResponse,
            ExchangeError::Failure(failure, detail) => Self::Failed(failure, Some(detail)),
        }
    }
}

/// The progress of its requests that the runner reports, if it does.
fn progress_of(headers: &HeaderMap) -> Option<ProgressStamp> {
    ProgressStamp::parse(headers.get(header::PROGRESS)?.to_str().ok()?)
}

#[cfg(test)]
mod tests;
