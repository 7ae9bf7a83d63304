//! The notes of a snapshot (S116). The admin interface, the command line and the page show the same ones.
//!
//! They are a pure function of the snapshot and the time.

mod host;
mod runner;
#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

use crate::snapshot::Snapshot;

/// A request that has waited for so long makes the runners stand out that it waits for.
const WAITED: Duration = Duration::from_secs(1);

impl Snapshot {
    /// Adds the notes.
    pub(crate) fn with_notes(mut self, now: SystemTime) -> Self {
        let has_waiting = self.queued_for.is_some_and(|waited| waited >= WAITED) && !self.paused;
        for info in &mut self.runners {
            info.notes = runner::notes(info, self.max_multiplexing, has_waiting, self.startup_limit);
        }
        self.notes = host::notes(&self, now);
        self
    }
}
