//! What the fleet does about the result of a check.

use std::time::Duration;

use fal_health::{CheckEffect, CheckId, Command, Monitor, Outcome, Time, Trigger, Unhealthy, Verdict};

use super::Fleet;
use super::event_kind::EventKind;
use super::message::FleetCommand;
use super::record::Reason;
use super::runner::Runner;
use crate::id::RunnerId;

impl Fleet {
    pub(super) fn on_check_finished(&mut self, now: Time, id: RunnerId, check: CheckId, outcome: Outcome) {
        let Some(monitor) = self.runners.get_mut(&id).and_then(|runner| runner.monitor.as_mut()) else {
            return;
        };
        if monitor.in_flight().is_none_or(|expected| expected.id != check) {
            return;
        }
        let command = monitor.handle(now, fal_health::Event::Finished { check, outcome });
        let Some(record) = monitor.history().last().copied() else { return };
        match (record.trigger, record.effect) {
            (Trigger::Manual, CheckEffect::Inconclusive) => {
                self.commands.push(FleetCommand::ReleasePermits(id));
            }
            (Trigger::Manual, CheckEffect::Passed) => self.commands.push(FleetCommand::ManualCheckEnded(id)),
            // After a failure the runner leaves the rotation with its permits. If they were released first, waiting
            // requests would get them (S33a).
            _ => {}
        }
        // Published after the release, so that a listener finds the permits free.
        self.emit(id, EventKind::Checked(record));
        if record.effect == CheckEffect::Passed && self.settings.has_periodic_checks() {
            if self.runners.get(&id).is_some_and(Runner::awaits_first_pass) {
                self.admit(now, id);
            }
            self.mark_stable(now, id);
        }
        self.apply_command(now, id, command);
    }

    /// Publishes that the request runtime of a runner is stalled, once until it runs again.
    pub(super) fn on_stalled(&mut self, id: RunnerId, check: CheckId, stalled: Option<Duration>) {
        let Some(runner) = self.runners.get_mut(&id) else { return };
        let in_flight = runner.monitor.as_ref().and_then(Monitor::in_flight);
        if in_flight.is_none_or(|expected| expected.id != check) {
            return;
        }
        let published = std::mem::replace(&mut runner.stalled, stalled.is_some());
        if let Some(since) = stalled.filter(|_| !published) {
            self.emit(id, EventKind::Stalled { since });
        }
    }

    pub(super) fn notify_monitor(&mut self, now: Time, id: RunnerId, event: fal_health::Event) {
        let monitor = self.runners.get_mut(&id).and_then(|runner| runner.monitor.as_mut());
        let command = monitor.and_then(|monitor| monitor.handle(now, event));
        self.apply_command(now, id, command);
    }

    /// Carries out a command of a runner's monitor.
    fn apply_command(&mut self, now: Time, id: RunnerId, command: Option<Command>) {
        self.update_timer(id);
        match command {
            None => {}
            Some(Command::Start(check)) => self.commands.push(FleetCommand::StartCheck(id, check)),
            Some(Command::Unhealthy(Unhealthy::ManualCheckFailed)) => {
                self.terminate(now, id, Reason::ManualCheckFailed);
            }
            Some(Command::Unhealthy(Unhealthy::Streak(_)))
                if self.runners.get(&id).is_some_and(Runner::awaits_first_pass) =>
            {
                self.terminate(now, id, Reason::Unhealthy);
            }
            Some(Command::Unhealthy(Unhealthy::Streak(_))) => {
                if !self.deferred.contains(&id) {
                    self.deferred.push_back(id);
                }
                self.start_allowed_replacements(now);
            }
        }
    }

    /// Replaces unhealthy runners, as many as the bound on replacements allows (S40).
    pub(super) fn start_allowed_replacements(&mut self, now: Time) {
        for id in std::mem::take(&mut self.deferred) {
            let Some(runner) = self.runners.get_mut(&id) else { continue };
            let verdict = runner.monitor.as_ref().map(Monitor::verdict);
            if !runner.is_ready() || verdict != Some(Verdict::Unhealthy) {
                runner.replacement_deferred = false;
                continue;
            }
            let index = runner.replica;
            let published = std::mem::replace(&mut runner.replacement_deferred, true);
            let replacing = self.replicas.iter().filter(|replica| replica.replacing).count();
            let allowed = self
                .settings
                .max_replacing
                .is_none_or(|bound| replacing < bound.get() && self.backoff.held(now).is_none());
            let Some(replica) = self.replicas.get_mut(index.0) else { continue };
            if allowed || replica.replacing {
                replica.replacing = true;
                self.terminate(now, id, Reason::Unhealthy);
            } else {
                self.deferred.push_back(id);
                if !published {
                    self.emit(id, EventKind::ReplacementDeferred { replacing });
                }
            }
        }
    }
}
