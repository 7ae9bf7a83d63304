//! Counts what the host refuses by kind, for those who look at the host and not into its log (S84c).

use std::array::from_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use fal_health::protocol::HostErrorType;
use serde::Serialize;

use super::refusal_log::LimitReached;
use crate::json::unix_time;

/// The name of a client that sent too many frames of HTTP/2.
pub(super) const TOO_MANY_FRAMES: &str = "http2_frames";

/// The kinds of refusals that have no `error_type`.
const WITHOUT_RESPONSE: [&str; 2] = ["client_connections", TOO_MANY_FRAMES];

/// How many kinds of refusals there are: the types of errors, and [`WITHOUT_RESPONSE`].
const KINDS: usize = HostErrorType::ALL.len() + WITHOUT_RESPONSE.len();

/// How often the cause of refusals is looked for: who holds the permits is looked up under the lock of all requests.
const CAUSE_INTERVAL: Duration = Duration::from_secs(1);

/// How often the host has refused something since its start, by kind.
pub(crate) type RefusalTotals = [u64; KINDS];

/// What the host has refused since its start, by kind.
#[derive(Debug)]
pub(super) struct RefusalCounts(Mutex<[Count; KINDS]>);

#[derive(Clone, Debug, Default)]
struct Count {
    total: u64,
    last: Option<(LimitReached, SystemTime)>,
    /// Why, beyond what follows from its kind, and when that was known.
    cause: Option<(String, SystemTime)>,
}

/// Refusals of one kind within the last ten minutes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct RecentRefusals {
    /// The type of the host's error, or a kind without a response.
    error_type: &'static str,
    count: u64,
    #[serde(serialize_with = "unix_time")]
    last_at: SystemTime,
    cause: String,
}

impl LimitReached {
    fn index(self) -> Option<usize> {
        let of_type = |it| HostErrorType::ALL.iter().position(|error_type| *error_type == it);
        match self {
            Self::Request(error) => of_type(error.error_type()),
            Self::SlowReader { .. } | Self::SlowWhileOthersWait => of_type(HostErrorType::ClientTimeout),
            Self::Connections { .. } => Some(HostErrorType::ALL.len()),
            #[cfg(feature = "http2")]
            Self::Frames => Some(HostErrorType::ALL.len() + 1),
        }
    }

    /// The cause that follows from the kind alone.
    fn cause(self) -> String {
        match self {
            Self::Request(error) => error.to_string(),
            Self::SlowReader { after } => format!(
                "A client has read too little of its response for {after:?} and was cut off. `--client-timeout` sets this time."
            ),
            Self::SlowWhileOthersWait => {
                "A client has read less than 8 KiB of its response a second while other requests waited, and was cut off."
                    .to_owned()
            }
            #[cfg(feature = "http2")]
            Self::Frames => {
                "A client of HTTP/2 has sent too many frames beside its requests and was cut off. The limits are fixed."
                    .to_owned()
            }
            Self::Connections { max } => format!(
                "{max} clients are connected, and further ones wait to be accepted. Raise the limit on open files \
                 (`ulimit -n`) to serve more at a time."
            ),
        }
    }
}

impl Default for RefusalCounts {
    fn default() -> Self {
        Self(Mutex::new(from_fn(|_| Count::default())))
    }
}

impl RefusalCounts {
    /// Returns whether the known cause is missing or old.
    pub(super) fn add(&self, limit: LimitReached, at: SystemTime) -> bool {
        let is_old = |told: &SystemTime| at.duration_since(*told).is_ok_and(|age| age >= CAUSE_INTERVAL);
        self.with(limit, |count| {
            count.total += 1;
            count.last = Some((limit, at));
            count.cause.as_ref().is_none_or(|(_, told)| is_old(told))
        })
        .unwrap_or_default()
    }

    /// Tells why.
    pub(super) fn explain(&self, limit: LimitReached, cause: String, at: SystemTime) {
        self.with(limit, |count| count.cause = Some((cause, at)));
    }

    pub(super) fn totals(&self) -> RefusalTotals {
        self.lock().each_ref().map(|count| count.total)
    }

    /// The kinds of which there are more than `before`.
    pub(super) fn since(&self, before: &RefusalTotals) -> Vec<RecentRefusals> {
        let names = HostErrorType::ALL.iter().map(|error_type| error_type.as_str()).chain(WITHOUT_RESPONSE);
        let counts = self.lock();
        let kinds = names.zip(counts.iter()).zip(before);
        kinds
            .filter_map(|((error_type, Count { total, last, cause }), before)| {
                let (limit, last_at) = last.filter(|_| total > before)?;
                let cause = cause.as_ref().map_or_else(|| limit.cause(), |(cause, _)| cause.clone());
                Some(RecentRefusals { error_type, count: total - before, last_at, cause })
            })
            .collect()
    }

    fn with<T>(&self, limit: LimitReached, change: impl FnOnce(&mut Count) -> T) -> Option<T> {
        limit.index().and_then(|index| self.lock().get_mut(index).map(change))
    }

    fn lock(&self) -> MutexGuard<'_, [Count; KINDS]> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::error::ProxyError;
    use super::super::wait_cause::WaitCause;
    use super::*;

    #[test]
    fn refusals_are_counted_by_kind_with_their_last_time_and_cause_s84c() {
        let counts = RefusalCounts::default();
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let full = LimitReached::Request(ProxyError::QueueFull { limit: 3, cause: WaitCause::Busy });
        let slow = LimitReached::SlowReader { after: Duration::from_secs(60) };
        assert!(counts.add(full, at(1)));
        let before = counts.totals();
        assert_eq!(counts.since(&before), []);
        assert!(counts.add(full, at(2)));
        counts.explain(full, "2 of 2 permits are held".to_owned(), at(2));
        assert!(!counts.add(full, at(2)) && counts.add(full, at(3)));
        assert!(counts.add(slow, at(4)));
        let recent = counts.since(&before);
        let told: Vec<_> = recent.iter().map(|it| (it.error_type, it.count, it.last_at)).collect();
        assert_eq!(told, [("queue_full", 3, at(3)), ("client_timeout", 1, at(4))]);
        assert_eq!(recent[0].cause, "2 of 2 permits are held");
        assert!(recent[1].cause.contains("`--client-timeout`"), "{}", recent[1].cause);
    }
}
