//! When a host that cannot start its runners gives up (S48).

use std::num::NonZeroU32;

use fal_health::Time;

use super::Fleet;
use super::event_kind::EventKind;
use super::message::FleetCommand;
use super::record::{Reason, RunnerRecord};
use super::runner::Runner;

/// How many failed starts in a row make a host give up that was never able to start a runner (S48b).
const UNTIL_FIRST_ADMISSION: u32 = 5;

/// When a host stops because its runners do not start ([S48](fal_health::semantics#s48)). It never does while a runner
/// takes requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GiveUp {
    /// After 5 failed starts of each replica in a row, until a runner takes requests for the first time. Then never.
    #[default]
    UntilFirstAdmission,
    /// After this many failed starts of each replica in a row, at any time.
    After(NonZeroU32),
    /// Never.
    Never,
}

/// A host gave up: its runners did not start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "gave up after {failed_starts} failed starts in a row; the last one failed with `{reason}`{}",
    detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default()
)]
#[non_exhaustive]
pub struct GaveUp {
    /// How many starts of one replica have failed in a row.
    pub failed_starts: u32,
    /// Why the last one failed.
    pub reason: Reason,
    /// The error of its setup, or why it could not be started.
    pub detail: Option<String>,
}

impl Fleet {
    /// Stops the host if every replica has failed to start too often and no runner takes requests.
    pub(super) fn give_up_if_due(&mut self, now: Time, last: &RunnerRecord) {
        let limit = match self.settings.give_up {
            GiveUp::After(limit) => limit.get(),
            GiveUp::UntilFirstAdmission if !self.has_admitted => UNTIL_FIRST_ADMISSION,
            GiveUp::UntilFirstAdmission | GiveUp::Never => return,
        };
        let failed_starts = self.replicas.iter().map(|replica| replica.backoff.failures()).min().unwrap_or(0);
        if failed_starts < limit || self.runners.values().any(Runner::is_ready) || self.is_stopping() {
            return;
        }
        let gave_up = GaveUp { failed_starts, reason: last.reason, detail: last.detail.clone() };
        self.emit(last.id, EventKind::GaveUp(gave_up.clone()));
        self.commands.push(FleetCommand::GiveUp(gave_up));
        self.on_stop(now);
    }
}
