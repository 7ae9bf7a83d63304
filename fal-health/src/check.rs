use std::fmt;
use std::time::Duration;

use crate::Time;

/// Names one check of one runner. A runner's checks have rising ids, and none is used again (S21).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CheckId(pub(crate) u64);

impl fmt::Display for CheckId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a check is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// Its tick has come (S12).
    Periodic,
    /// A response asked for it (S27).
    Manual,
}

impl Trigger {
    /// The name of the trigger in logs and the admin interface.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Periodic => "periodic",
            Self::Manual => "manual",
        }
    }
}

/// One check to make: a call of the health endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Check {
    /// Which check of its runner it is.
    pub id: CheckId,
    /// Why it is made.
    pub trigger: Trigger,
    /// Its one deadline, over connect, request, headers and body (S19).
    pub timeout: Duration,
}

/// What one check showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// A complete 2xx answer in time (S17).
    Pass,
    /// The runner failed it (S18).
    Failure(Failure),
    /// It says nothing about the runner (S20).
    Inconclusive(Inconclusive),
}

impl Outcome {
    /// The name of the outcome in the admin interface.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Failure(_) => "failure",
            Self::Inconclusive(_) => "inconclusive",
        }
    }
}

/// How a runner failed a check (S18).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Failure {
    /// It answered with this status, which is not a 2xx.
    Status(u16),
    /// Its answer was not complete at the deadline.
    Timeout,
    /// It took no connection.
    Connect,
    /// It closed the connection before its answer was complete.
    Disconnected,
    /// What it sent is not HTTP.
    Malformed,
    /// It passed, but the runtime that serves its requests stands still, and the host is set to count that.
    Stalled,
}

impl Failure {
    /// The reason's name, as logs, metrics and the admin interface spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Status(_) => "status",
            Self::Timeout => "timeout",
            Self::Connect => "connect",
            Self::Disconnected => "disconnected",
            Self::Malformed => "malformed",
            Self::Stalled => "stalled",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(code) => write!(f, "status {code}"),
            other => f.write_str(other.name()),
        }
    }
}

/// Why a check says nothing about its runner (S20).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Inconclusive {
    /// The host had no descriptor, memory or buffer to ask with.
    CouldNotAsk,
    /// The check failed in a way that the host's own lag, or a suspended machine, explains. A monitor accepts at most
    /// [`MAX_EXCUSED`](crate::MAX_EXCUSED) of these in a row; the next one is judged as the failure it carries.
    HostLag(Failure),
}

impl Inconclusive {
    /// The name of the reason in the admin interface.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CouldNotAsk => "could_not_ask",
            Self::HostLag(_) => "host_lag",
        }
    }
}

/// A finished check, as it is shown and kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckRecord {
    /// Which check of its runner it was.
    pub id: CheckId,
    /// Why it was made.
    pub trigger: Trigger,
    /// What it showed.
    pub outcome: Outcome,
    /// When it started.
    pub started: Time,
    /// From its start until its outcome was known.
    pub duration: Duration,
    /// What it did to the verdict.
    pub effect: CheckEffect,
}

/// What a finished check did to the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CheckEffect {
    /// A pass: the streak is 0 (S22).
    Passed,
    /// A periodic failure that counts; the streak with it (S24).
    Counted {
        /// Consecutive counted failures, this one included.
        streak: u32,
    },
    /// A periodic failure inside the start period: shown, and otherwise ignored (S23).
    Ignored,
    /// A manual failure: unhealthy at once (S25).
    ManualFailure,
    /// It neither counts nor resets (S20).
    Inconclusive,
}
