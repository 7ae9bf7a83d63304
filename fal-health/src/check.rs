//! One check: why it is made, what it showed, and what it did to the verdict.

use std::fmt;
use std::time::Duration;

use crate::Time;

/// The id of one check of one runner. The ids of a runner's checks rise and are never used twice
/// ([S21](crate::semantics#s21)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CheckId(pub(crate) u64);

impl fmt::Display for CheckId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a check is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Trigger {
    /// The schedule: a tick came ([S12](crate::semantics#s12)).
    Periodic,
    /// A response that asked for a check ([S27](crate::semantics#s27)).
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

/// A check to make: one call of the health endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Check {
    /// The id of the check.
    pub id: CheckId,
    /// Why the check is made.
    pub trigger: Trigger,
    /// The deadline of the whole check: connect, request, response headers and body ([S19](crate::semantics#s19)).
    pub timeout: Duration,
}

/// What one check showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// The runner sent a complete 2xx response in time ([S17](crate::semantics#s17)).
    Pass,
    /// The runner failed the check ([S18](crate::semantics#s18)).
    Failure(Failure),
    /// The check says nothing about the runner ([S20](crate::semantics#s20)).
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

    /// The name of the reason, if the outcome is not a pass.
    pub const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Pass => None,
            Self::Failure(failure) => Some(failure.name()),
            Self::Inconclusive(inconclusive) => Some(inconclusive.name()),
        }
    }

    /// The HTTP status of the response, if it is the reason for a failure.
    pub const fn status(self) -> Option<u16> {
        match self {
            Self::Failure(Failure::Status(status)) => Some(status),
            _ => None,
        }
    }
}

/// The outcome in words, for logs.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pass => f.write_str("pass"),
            Self::Failure(failure) => failure.fmt(f),
            Self::Inconclusive(Inconclusive::CouldNotAsk) => f.write_str("the host could not make the check"),
            Self::Inconclusive(Inconclusive::HostLag(failure)) => {
                write!(f, "{failure}, explained by the host's lag")
            }
        }
    }
}

/// How a runner failed a check ([S18](crate::semantics#s18)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Failure {
    /// The response had this HTTP status, which is not 2xx.
    Status(u16),
    /// The response was not complete at the deadline.
    Timeout,
    /// The runner accepted no connection.
    Connect,
    /// The runner closed the connection before the response was complete.
    Disconnected,
    /// The runner sent malformed HTTP.
    Malformed,
    /// The check passed, but the runtime that serves requests is stalled ([S53b](crate::semantics#s53b)).
    Stalled,
    /// The check passed, but requests that the runner does not begin to answer hold all of its permits
    /// ([S53a](crate::semantics#s53a)).
    Wedged,
}

impl Failure {
    /// The name of the failure in logs, metrics and the admin interface.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Status(_) => "status",
            Self::Timeout => "timeout",
            Self::Connect => "connect",
            Self::Disconnected => "disconnected",
            Self::Malformed => "malformed",
            Self::Stalled => "stalled",
            Self::Wedged => "wedged",
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

/// Why a check says nothing about its runner ([S20](crate::semantics#s20)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Inconclusive {
    /// The host could not make the check: it had no file descriptor, memory or buffer space left.
    CouldNotAsk,
    /// The check failed, but the host's own lag or a suspension of the machine explains the failure. A monitor excuses at
    /// most [`MAX_EXCUSED`](crate::MAX_EXCUSED) of these without a pass in between. It counts the next one as the failure
    /// given here.
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

/// A finished check, as a [`Monitor`](crate::Monitor) remembers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckRecord {
    /// The id of the check.
    pub id: CheckId,
    /// Why the check was made.
    pub trigger: Trigger,
    /// What the check showed.
    pub outcome: Outcome,
    /// When the check started.
    pub started: Time,
    /// The time from the start of the check until its outcome was known.
    pub duration: Duration,
    /// What the check did to the verdict.
    pub effect: CheckEffect,
}

/// What a finished check did to the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CheckEffect {
    /// It passed: the streak is 0 ([S22](crate::semantics#s22)).
    Passed,
    /// It was a periodic check and its failure counts ([S24](crate::semantics#s24)).
    Counted {
        /// How many counted failures in a row there are, with this one.
        streak: u32,
    },
    /// It was a periodic check that failed inside the start period: recorded, but not counted
    /// ([S23](crate::semantics#s23)).
    Ignored,
    /// It was a manual check that failed: the runner is unhealthy at once ([S25](crate::semantics#s25)).
    ManualFailure,
    /// It was inconclusive: the streak stays as it was ([S20](crate::semantics#s20)).
    Inconclusive,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_is_written_with_its_reason() {
        let lag = Outcome::Inconclusive(Inconclusive::HostLag(Failure::Timeout));
        let could_not_ask = Outcome::Inconclusive(Inconclusive::CouldNotAsk);
        for (outcome, words, name, reason, status) in [
            (Outcome::Pass, "pass", "pass", None, None),
            (Outcome::Failure(Failure::Status(500)), "status 500", "failure", Some("status"), Some(500)),
            (Outcome::Failure(Failure::Malformed), "malformed", "failure", Some("malformed"), None),
            (lag, "timeout, explained by the host's lag", "inconclusive", Some("host_lag"), None),
            (could_not_ask, "the host could not make the check", "inconclusive", Some("could_not_ask"), None),
        ] {
            assert_eq!((outcome.to_string().as_str(), outcome.name()), (words, name));
            assert_eq!((outcome.reason(), outcome.status()), (reason, status), "{words}");
        }
    }

    #[test]
    fn triggers_failures_and_ids_have_the_names_that_logs_show_s18a() {
        assert_eq!([Trigger::Periodic, Trigger::Manual].map(Trigger::name), ["periodic", "manual"]);
        let failures = [
            Failure::Status(404),
            Failure::Timeout,
            Failure::Connect,
            Failure::Disconnected,
            Failure::Malformed,
            Failure::Stalled,
            Failure::Wedged,
        ];
        let names = ["status", "timeout", "connect", "disconnected", "malformed", "stalled", "wedged"];
        assert_eq!(failures.map(Failure::name), names);
        assert_eq!(CheckId(7).to_string(), "7");
    }
}
