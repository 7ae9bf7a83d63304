//! The requests that were lost with one runner (S39c, S59, S85e).

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::request_info::RequestInfo;

/// The last requests that one runner has broken off, also those that were sent again.
#[derive(Debug, Default)]
pub(crate) struct LostRequests(Mutex<VecDeque<RequestInfo>>);

impl LostRequests {
    /// How many are kept.
    pub(crate) const KEPT: usize = 16;

    /// Keeps a request, and forgets the oldest one.
    pub(super) fn push(&self, request: RequestInfo) {
        let mut kept = self.lock();
        if kept.len() == Self::KEPT {
            kept.pop_front();
        }
        kept.push_back(request);
    }

    /// All of them, oldest first.
    pub(crate) fn all(&self) -> Vec<RequestInfo> {
        self.lock().iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<RequestInfo>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
