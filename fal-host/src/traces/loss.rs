//! How many spans wait and how many were lost, and when the log tells it.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::span_loss::SPAN_LOSS;

/// How often the number of lost spans is told (S114b).
const INTERVAL: Duration = Duration::from_secs(60);

/// Why spans are lost if the collector takes them.
const TOO_SLOW: &str = "the collector is too slow";

/// Counts the spans that wait to be sent, and those that were lost.
#[derive(Debug)]
pub(super) struct LossLog {
    endpoint: String,
    /// The spans that wait, and those that are being sent.
    pending: AtomicUsize,
    /// The lost ones that the log has not told.
    untold: AtomicU64,
    state: Mutex<LossState>,
}

#[derive(Debug, Default)]
struct LossState {
    told: Option<Instant>,
    /// Why the last export failed.
    error: Option<String>,
}

/// What the log reports.
#[derive(Debug, PartialEq, Eq)]
struct LossNotice {
    lost: u64,
    error: Option<String>,
    /// Whether there was none in the last minutes.
    is_first: bool,
}

impl LossLog {
    pub(super) fn new(endpoint: &str) -> Self {
        let (pending, untold) = (AtomicUsize::new(0), AtomicU64::new(0));
        Self { endpoint: endpoint.to_owned(), pending, untold, state: Mutex::default() }
    }

    /// A span has ended. Returns whether there is room for it; otherwise it is lost.
    pub(super) fn admit(&self, limit: usize) -> bool {
        let has_room = self.pending.fetch_add(1, Ordering::Relaxed) < limit;
        if !has_room {
            self.pending.fetch_sub(1, Ordering::Relaxed);
            self.lose(1);
        }
        has_room
    }

    /// An attempt to send spans has failed.
    pub(super) fn set_error(&self, error: &str) {
        self.lock().error = Some(error.to_owned());
    }

    /// Whether the last attempt to send spans has failed.
    pub(super) fn is_failing(&self) -> bool {
        self.lock().error.is_some()
    }

    /// So many spans were sent, or lost with this error.
    pub(super) fn exported(&self, count: usize, error: Option<String>) {
        self.pending.fetch_sub(count, Ordering::Relaxed);
        if let Some(error) = error {
            self.lock().error.get_or_insert(error);
            self.lose(count as u64);
        } else {
            self.lock().error = None;
        }
        if let Some(notice) = self.take_due(Instant::now()) {
            self.warn(&notice);
        }
    }

    /// So many spans are lost.
    fn lose(&self, count: u64) {
        self.untold.fetch_add(count, Ordering::Relaxed);
        let state = self.lock();
        SPAN_LOSS.add(count, state.error.as_deref().unwrap_or(TOO_SLOW), Instant::now());
    }

    /// The process ends: what still waits is lost.
    pub(super) fn finish(&self) {
        let pending = self.pending.swap(0, Ordering::Relaxed) as u64;
        let lost = pending + self.untold.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let error = self.lock().error.take();
            self.warn(&LossNotice { lost, error, is_first: false });
        }
    }

    /// What the log reports now: the first loss, and after a minute the further ones.
    fn take_due(&self, now: Instant) -> Option<LossNotice> {
        let mut state = self.lock();
        let is_first = state.told.is_none_or(|told| now.duration_since(told) >= 2 * INTERVAL);
        let is_due = state.told.is_none_or(|told| now.duration_since(told) >= INTERVAL);
        if !is_due || self.untold.load(Ordering::Relaxed) == 0 {
            return None;
        }
        state.told = Some(now);
        let (lost, error) = (self.untold.swap(0, Ordering::Relaxed), state.error.clone());
        Some(LossNotice { lost, error, is_first })
    }

    fn warn(&self, notice: &LossNotice) {
        let (endpoint, lost) = (self.endpoint.as_str(), notice.lost);
        let error = notice.error.as_deref().unwrap_or(TOO_SLOW);
        if notice.is_first {
            tracing::warn!(
                lost,
                endpoint,
                error,
                "spans are lost; further ones are counted, and their number is told once a minute"
            );
        } else {
            tracing::warn!(lost, endpoint, error, "more spans were lost");
        }
    }

    fn lock(&self) -> MutexGuard<'_, LossState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_spans_wait_than_the_limit_and_the_others_are_counted_s114a() {
        let log = LossLog::new("http://collector");
        assert_eq!((0..5).filter(|_| log.admit(3)).count(), 3);
        assert_eq!(log.untold.load(Ordering::Relaxed), 2);
        log.exported(1, None);
        assert!(log.admit(3) && !log.admit(3));
    }

    #[test]
    fn the_first_loss_is_told_at_once_and_the_others_once_a_minute_s114b() {
        let (log, start) = (LossLog::new("http://collector"), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let lose = |count: u64| log.untold.fetch_add(count, Ordering::Relaxed);
        assert_eq!(log.take_due(at(0)), None);
        lose(3);
        assert_eq!(log.take_due(at(0)), Some(LossNotice { lost: 3, error: None, is_first: true }));
        lose(4);
        assert_eq!(log.take_due(at(59)), None);
        lose(1);
        log.set_error("refused");
        let error = Some("refused".to_owned());
        assert_eq!(log.take_due(at(60)), Some(LossNotice { lost: 5, error, is_first: false }));
        assert_eq!(log.take_due(at(120)), None);
        lose(1);
        assert!(matches!(log.take_due(at(200)), Some(LossNotice { lost: 1, is_first: true, .. })));
    }
}
