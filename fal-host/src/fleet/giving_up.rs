//! How a fleet whose runners do not start stops (S48).

use fal_health::Time;

use super::Fleet;
use super::event_kind::EventKind;
use super::give_up::{FailedStart, GaveUp, GiveUp};
use super::message::FleetCommand;

/// How many failed starts in a row make a host give up that was never able to start a runner (S48b).
const UNTIL_FIRST_ADMISSION: u32 = 5;

impl Fleet {
    /// Stops the host if every replica has failed to start too often and no runner takes requests.
    pub(super) fn give_up_if_due(&mut self, now: Time) {
        let limit = match self.settings.give_up {
            GiveUp::After(limit) => limit.get(),
            GiveUp::UntilFirstAdmission if !self.has_admitted => UNTIL_FIRST_ADMISSION,
            GiveUp::UntilFirstAdmission | GiveUp::Never => return,
        };
        // Often there is one of these, and then the replicas are not counted.
        if self.is_ready() || self.has_ready_spare() || self.is_stopping() {
            return;
        }
        let failures = || self.replicas.values().map(|replica| replica.backoff.failures());
        if failures().any(|failures| failures < limit) {
            return;
        }
        let failed_starts = failures().min().unwrap_or(0);
        let Some(FailedStart { runner, reason, cause }) = self.last_failed_start.clone() else {
            return;
        };
        let gave_up = GaveUp { failed_starts, runner, reason, cause };
        self.emit(runner, EventKind::GaveUp(gave_up.clone()));
        self.commands.push(FleetCommand::GiveUp(gave_up));
        self.on_stop(now);
    }
}
