//! The requests that were lost with one runner (S39c, S59, S85e).

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::recent_losses::{RecentLosses, SHOWN_FOR};
use crate::request_info::RequestInfo;

/// The last requests that one runner has broken off, also those that were sent again.
#[derive(Debug, Default)]
pub(crate) struct LostRequests(Mutex<LostState>);

#[derive(Debug, Default)]
struct LostState {
    kept: VecDeque<RequestInfo>,
    total: u64,
    last_at: Option<SystemTime>,
}

impl LostRequests {
    /// How many are kept.
    pub(crate) const KEPT: usize = 16;

    /// Keeps a request, and forgets the oldest one.
    pub(super) fn push(&self, request: RequestInfo) {
        let mut lost = self.lock();
        if lost.kept.len() == Self::KEPT {
            lost.kept.pop_front();
        }
        lost.kept.push_back(request);
        lost.total += 1;
        lost.last_at = Some(SystemTime::now());
    }

    /// What to show while the runner lives, if the last loss was within the last minute.
    pub(crate) fn recent(&self, now: SystemTime) -> Option<RecentLosses> {
        let state = self.lock();
        let ago = now.duration_since(state.last_at?).unwrap_or_default();
        let last = state.kept.back().filter(|_| ago < SHOWN_FOR)?.clone();
        Some(RecentLosses { requests: state.total, ago, last, printed: None })
    }

    /// All of them, oldest first.
    pub(crate) fn all(&self) -> Vec<RequestInfo> {
        self.lock().kept.iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, LostState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
