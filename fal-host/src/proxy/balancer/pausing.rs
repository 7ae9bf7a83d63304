//! Pausing: requests wait although permits are free (S87c).

#[cfg(feature = "cli")]
use std::time::Duration;

use tokio::time::Instant;

use super::Balancer;

impl Balancer {
    /// Lets every request wait in the queue from now on, or ends that (S87c).
    pub(crate) fn set_paused(&self, paused: bool) {
        self.lock().permits.set_paused(paused.then(Instant::now));
        self.dispatch();
        if !paused {
            self.resumed.notify_waiters();
        }
    }

    /// Lets every request wait, as another host has done for this time (S90b).
    #[cfg(feature = "cli")]
    pub(crate) fn pause_after(&self, paused_for: Duration) {
        let now = Instant::now();
        self.lock().permits.set_paused(Some(now.checked_sub(paused_for).unwrap_or(now)));
    }

    /// Waits until no pause is in force. Cancel safe.
    #[cfg(feature = "cli")]
    pub(crate) async fn resumed(&self) {
        loop {
            let mut resumed = std::pin::pin!(self.resumed.notified());
            // Before the look, so that no end of a pause is missed.
            resumed.as_mut().enable();
            if !self.is_paused() {
                return;
            }
            resumed.await;
        }
    }

    /// Whether requests wait because an operator has paused the host.
    pub(crate) fn is_paused(&self) -> bool {
        self.paused_since().is_some()
    }

    /// Since when requests wait because an operator has paused the host.
    pub(crate) fn paused_since(&self) -> Option<Instant> {
        self.lock().permits.paused_since()
    }
}
