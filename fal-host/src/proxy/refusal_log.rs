//! Tells in the log that requests are refused: the first one at once, and the others as a number once a minute (S84).

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::error::ProxyError;
use crate::RunnerId;
use crate::amounts::duration;

/// How often the number of further refusals is told.
const INTERVAL: Duration = Duration::from_secs(60);

/// How many kinds of limits there are.
const KINDS: usize = 9;

/// The refusals that have not been told yet, by the kind of their limit.
#[derive(Debug, Default)]
pub(super) struct RefusalLog(Mutex<[Option<RefusalCount>; KINDS]>);

/// A limit by which the host has refused a client something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LimitReached {
    /// A request was answered with this error.
    Request(ProxyError),
    /// A client was cut off, since it had read too little of its response for this long.
    SlowReader { after: Duration },
    /// A client was cut off, since it had read too little while other requests waited (S43i).
    SlowWhileOthersWait,
    /// A client of HTTP/2 was cut off, since it had sent too many frames beside its requests (S51d).
    #[cfg(feature = "http2")]
    Frames,
    /// Clients wait to be accepted, since this many are connected.
    Connections { max: usize },
}

/// Whom the host has refused something, as far as it is known.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RefusedClient<'a> {
    pub(super) client: Option<&'a str>,
    pub(super) method: Option<&'a str>,
    pub(super) path: Option<&'a str>,
    pub(super) request_id: Option<&'a str>,
    pub(super) runner: Option<RunnerId>,
}

impl LimitReached {
    /// The index of its kind; `None` for an error with another cause.
    const fn kind(self) -> Option<usize> {
        match self {
            Self::Request(ProxyError::QueueFull { .. }) => Some(0),
            Self::Request(ProxyError::QueueTimeout { .. }) => Some(1),
            Self::Request(
                ProxyError::ClientTimeout { .. } | ProxyError::ClientTooSlow | ProxyError::HeadTimeout { .. },
            ) => Some(2),
            Self::Request(ProxyError::HeadTooLarge { .. }) => Some(3),
            Self::Request(ProxyError::TargetTooLong) => Some(4),
            Self::SlowReader { .. } => Some(5),
            Self::Connections { .. } => Some(6),
            #[cfg(feature = "http2")]
            Self::Frames => Some(7),
            Self::SlowWhileOthersWait => Some(8),
            Self::Request(_) => None,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct RefusalCount {
    since: Instant,
    untold: u64,
    last: LimitReached,
}

/// What is to be written to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RefusalNotice {
    /// The last refusal.
    pub(super) limit: LimitReached,
    /// How many there were since the last notice, and how long ago that was. `None`: this one is the first.
    pub(super) further: Option<(u64, Duration)>,
}

impl RefusalLog {
    /// A limit was reached. Returns what to write about it.
    pub(super) fn refused(&self, limit: LimitReached, now: Instant) -> Option<RefusalNotice> {
        let kind = limit.kind()?;
        let mut counts = self.lock();
        match counts.get_mut(kind)? {
            Some(count) => {
                count.untold += 1;
                count.last = limit;
                None
            }
            count => {
                *count = Some(RefusalCount { since: now, untold: 0, last: limit });
                Some(RefusalNotice { limit, further: None })
            }
        }
    }

    /// Returns what to write about the refusals of the last minute. After a minute without any, the next one is a first one.
    pub(super) fn tick(&self, now: Instant) -> Vec<RefusalNotice> {
        let mut notices = Vec::new();
        for slot in self.lock().iter_mut() {
            let due = slot.filter(|count| now.duration_since(count.since) >= INTERVAL);
            let Some(RefusalCount { since, untold, last: limit }) = due else { continue };
            if untold == 0 {
                *slot = None;
            } else {
                *slot = Some(RefusalCount { since: now, untold: 0, last: limit });
                notices.push(RefusalNotice { limit, further: Some((untold, now.duration_since(since))) });
            }
        }
        notices
    }

    /// Whether there are refusals to tell about.
    pub(super) fn has_untold(&self) -> bool {
        self.lock().iter().flatten().any(|count| count.untold > 0)
    }

    fn lock(&self) -> MutexGuard<'_, [Option<RefusalCount>; KINDS]> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many endpoints are named that hold permits.
const MAX_NAMED: usize = 3;

/// Says which endpoints hold the permits, such as `2 of 2 permits are held, the longest for 61s: /predict (2)`.
pub(super) fn describe<'a>(
    permits: usize,
    held: impl IntoIterator<Item = &'a str>,
    longest: Duration,
) -> String {
    let mut endpoints = BTreeMap::<_, usize>::new();
    for endpoint in held {
        *endpoints.entry(endpoint).or_default() += 1;
    }
    let count: usize = endpoints.values().sum();
    let mut endpoints: Vec<_> = endpoints.into_iter().collect();
    endpoints.sort_by_key(|(_, held)| std::cmp::Reverse(*held));
    let others: usize = endpoints.iter().skip(MAX_NAMED).map(|(_, held)| held).sum();
    let mut names: Vec<_> =
        endpoints.iter().take(MAX_NAMED).map(|(endpoint, held)| format!("{endpoint} ({held})")).collect();
    if others > 0 {
        names.push(format!("others ({others})"));
    }
    if names.is_empty() {
        return format!("0 of {permits} permits are held by now");
    }
    let longest = duration(longest);
    format!("{count} of {permits} permits are held, the longest for {longest}: {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::loss::Loss;
    use super::super::wait_cause::WaitCause;
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_first_refusal_is_told_and_the_others_are_counted_for_a_minute_s84a() {
        let (log, start) = (RefusalLog::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let full = LimitReached::Request(ProxyError::QueueFull { limit: 3, cause: WaitCause::Busy });
        assert_eq!(log.refused(full, at(0)), Some(RefusalNotice { limit: full, further: None }));
        assert!(!log.has_untold());
        for second in 1..=30 {
            assert_eq!(log.refused(full, at(second)), None);
        }
        assert!(log.has_untold() && log.tick(at(59)).is_empty());
        let further = Some((30, Duration::from_secs(60)));
        assert_eq!(log.tick(at(60)), [RefusalNotice { limit: full, further }]);
        // A minute without a refusal, and the next one is told at once.
        assert!(log.tick(at(120)).is_empty());
        assert!(log.refused(full, at(121)).is_some());
    }

    #[tokio::test]
    async fn each_limit_is_told_for_itself_and_other_errors_are_not_s84b() {
        let (log, now) = (RefusalLog::default(), Instant::now());
        let after = Duration::from_secs(60);
        let limits = [
            LimitReached::Request(ProxyError::QueueTimeout { after, cause: WaitCause::Busy }),
            LimitReached::Request(ProxyError::ClientTimeout { after }),
            LimitReached::Request(ProxyError::HeadTooLarge { max: 8_192 }),
            LimitReached::Request(ProxyError::TargetTooLong),
            LimitReached::SlowReader { after },
            LimitReached::SlowWhileOthersWait,
            LimitReached::Connections { max: 100 },
            #[cfg(feature = "http2")]
            LimitReached::Frames,
        ];
        for limit in limits {
            assert_eq!(log.refused(limit, now), Some(RefusalNotice { limit, further: None }));
            assert_eq!(log.refused(limit, now), None);
        }
        assert_eq!(
            log.refused(LimitReached::Request(ProxyError::ClientTooSlow), now),
            None,
            "the kind of every upload that is too slow"
        );
        for error in [ProxyError::Lost(Loss::Closed), ProxyError::HostStopping, ProxyError::BadHost] {
            assert_eq!(log.refused(LimitReached::Request(error), now), None);
        }
    }

    #[test]
    fn the_cause_names_the_endpoints_that_hold_the_permits_s84a() {
        let longest = Duration::from_millis(61_204);
        assert_eq!(
            describe(4, ["/a", "/predict", "/predict"], longest),
            "3 of 4 permits are held, the longest for 61.204s: /predict (2), /a (1)"
        );
        let names = ["/a", "/b", "/c", "/d", "/e"];
        assert!(describe(5, names, longest).ends_with("/a (1), /b (1), /c (1), others (2)"));
        assert_eq!(describe(2, [], Duration::ZERO), "0 of 2 permits are held by now");
    }
}
