//! What is kept of the last checks of a runner beside their outcome.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use fal_health::{CheckId, HISTORY_LEN};

/// Something that is kept of each of the last checks.
#[derive(Debug)]
pub(super) struct OfChecks<T>(Mutex<VecDeque<(CheckId, T)>>);

impl<T: Clone> OfChecks<T> {
    /// Keeps it, and forgets the oldest.
    pub(super) fn push(&self, check: CheckId, kept: T) {
        let mut all = self.lock();
        if all.len() == HISTORY_LEN {
            all.pop_front();
        }
        all.push_back((check, kept));
    }

    /// What is kept of this check.
    pub(super) fn of(&self, check: CheckId) -> Option<T> {
        self.lock().iter().find(|(known, _)| *known == check).map(|(_, kept)| kept.clone())
    }

    /// What was kept last.
    pub(super) fn last(&self) -> Option<T> {
        self.lock().back().map(|(_, kept)| kept.clone())
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(CheckId, T)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Default for OfChecks<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}
