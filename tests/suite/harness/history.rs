//! A list of what has happened, and waiting for an entry.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::GUARD;

/// What has happened so far, and a way to wait for more. Reading does not consume an entry, so a test can wait for two
/// things that come in either order.
#[derive(Debug)]
pub(crate) struct History<T>(Arc<Inner<T>>);

#[derive(Debug)]
struct Inner<T> {
    happened: Mutex<Vec<T>>,
    changed: Notify,
}

impl<T> Clone for History<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for History<T> {
    fn default() -> Self {
        Self(Arc::new(Inner { happened: Mutex::default(), changed: Notify::new() }))
    }
}

impl<T: Debug> History<T> {
    pub(crate) fn add(&self, happened: T) {
        self.look().push(happened);
        self.0.changed.notify_waiters();
    }

    pub(crate) fn look(&self) -> MutexGuard<'_, Vec<T>> {
        // A test that has failed looks once more at what happened, to print it.
        self.0.happened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `find` returns a value for the entries so far.
    pub(crate) async fn find<R>(&self, what: &str, mut find: impl FnMut(&mut Vec<T>) -> Option<R>) -> R {
        let found = tokio::time::timeout(GUARD, async {
            loop {
                let mut changed = std::pin::pin!(self.0.changed.notified());
                changed.as_mut().enable();
                if let Some(found) = find(&mut self.look()) {
                    return found;
                }
                changed.await;
            }
        });
        found
            .await
            .unwrap_or_else(|_| panic!("timed out waiting for {what}; what happened: {:#?}", self.look()))
    }
}
