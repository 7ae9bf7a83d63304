//! What the fleet does about the result of a check.

use std::num::NonZeroUsize;

use fal_health::{Check, CheckEffect, CheckId, Command, Monitor, Time, Trigger, Unhealthy};

use super::Fleet;
use super::event_kind::EventKind;
use super::finding::Finding;
use super::message::FleetCommand;
use super::record::Reason;
use super::replica::{Replacement, ReplicaIndex};
use super::runner::{MinHealthy, Runner};
use crate::id::RunnerId;

impl Fleet {
    pub(super) fn on_check_finished(&mut self, now: Time, id: RunnerId, check: CheckId, finding: Finding) {
        let monitor = self.runners.get(&id).and_then(|runner| runner.monitor.as_ref());
        let in_flight = monitor.and_then(Monitor::in_flight).filter(|expected| expected.id == check);
        let Some(expected) = in_flight else { return };
        self.on_progress_of_requests(id, &finding, expected);
        let Some(monitor) = self.runners.get_mut(&id).and_then(|runner| runner.monitor.as_mut()) else {
            return;
        };
        let outcome = finding.outcome(expected, self.settings.on_stall, self.settings.has_periodic_checks());
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
        self.update_dispatch(id);
        // Published after that, so that a listener finds the permits free and requests dispatched by this check.
        self.emit(id, EventKind::Checked(record));
        self.has_passed |= record.effect == CheckEffect::Passed;
        if record.effect == CheckEffect::Passed
            && let Some(deferral) = self.runners.get_mut(&id).and_then(|runner| runner.deferral.take())
        {
            self.deferred.remove(&deferral);
        }
        if record.effect == CheckEffect::Passed && self.settings.has_periodic_checks() {
            if self.runners.get(&id).is_some_and(Runner::awaits_first_pass) {
                self.admit(now, id);
            }
            self.mark_stable(now, id);
            self.on_successor_healthy(now, id);
            // A spare that passes again may replace one of them.
            self.check_deferred(now);
        }
        if matches!(record.effect, CheckEffect::Counted { .. })
            && let Some(state) = self.runners.get_mut(&id).and_then(|runner| runner.min_healthy.as_mut())
        {
            *state = MinHealthy::NotHealthy;
        }
        self.apply_command(now, id, command);
    }

    /// Has requests dispatched last to a runner in the rotation whose last counted check failed (S38g).
    pub(super) fn update_dispatch(&mut self, id: RunnerId) {
        let Some(runner) = self.runners.get_mut(&id).filter(|runner| runner.is_routed()) else { return };
        let failing = runner.is_failing();
        if std::mem::replace(&mut runner.dispatched_last, failing) != failing {
            self.commands.push(if failing {
                FleetCommand::DispatchLast(id)
            } else {
                FleetCommand::DispatchNormally(id)
            });
        }
    }

    /// Publishes that the request runtime of a runner is stalled, once until it is seen to run again (S53c).
    fn on_progress_of_requests(&mut self, id: RunnerId, finding: &Finding, check: Check) {
        let Some(runner) = self.runners.get_mut(&id) else { return };
        if finding.canary.is_none() {
            return;
        }
        runner.oldest_request = finding.oldest_request;
        let stalled = finding.stalled(check.timeout);
        let was_stalled = std::mem::replace(&mut runner.stalled, stalled).is_some();
        if let Some(since) = stalled.filter(|_| !was_stalled) {
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
            Some(Command::Unhealthy(Unhealthy::Streak(_))) => self.on_unhealthy(now, id),
        }
    }

    /// Replaces an unhealthy runner, or defers that if too many are being replaced (S40).
    fn on_unhealthy(&mut self, now: Time, id: RunnerId) {
        let Some(runner) = self.runners.get_mut(&id) else { return };
        let replica = self.replicas.get(&runner.replica);
        let is_replacing = replica.is_some_and(|replica| {
            replica.replacement == Some(Replacement::Vacated) || replica.successor == Some(id)
        });
        // The first serves no requests (S44c, S75), and the second is part of a replacement already (S40c).
        if !runner.is_routed() || is_replacing {
            return self.terminate(now, id, Reason::Unhealthy);
        }
        self.abort_restart_of(now, id, Reason::Unhealthy);
        let replacing = self.vacated();
        if self.healthy_spare().is_some() {
            return self.terminate(now, id, Reason::Unhealthy);
        }
        let is_allowed = replacing < self.max_replacing();
        let Some(runner) = self.runners.get_mut(&id) else { return };
        if is_allowed {
            let index = runner.replica;
            self.set_replacement(index, Some(Replacement::Vacated));
            self.terminate(now, id, Reason::Unhealthy);
        } else if runner.deferral.is_none() {
            runner.deferral = Some(self.next_deferral);
            self.deferred.insert(self.next_deferral, id);
            self.next_deferral += 1;
            self.emit(id, EventKind::ReplacementDeferred { replacing });
        }
    }

    /// Sets how far the replacement of a replica is.
    pub(super) fn set_replacement(&mut self, index: ReplicaIndex, replacement: Option<Replacement>) {
        let Some(replica) = self.replicas.get_mut(&index) else { return };
        let before = std::mem::replace(&mut replica.replacement, replacement);
        let count = |it: Option<Replacement>| usize::from(it.is_some());
        let count_doubled = |it| usize::from(it == Some(Replacement::Doubled));
        self.replacing = self.replacing + count(replacement) - count(before);
        self.doubled = self.doubled + count_doubled(replacement) - count_doubled(before);
    }

    /// How many replicas may be replaced at a time (S40a).
    pub(super) fn max_replacing(&self) -> usize {
        self.settings.max_replacing.of(self.settings.runners).map_or(usize::MAX, NonZeroUsize::get)
    }

    /// Checks deferred runners, as many as healthy spares and the bound let be replaced, in the order of their verdicts: what
    /// they share may work again (S40f).
    pub(super) fn check_deferred(&mut self, now: Time) {
        if self.deferred.is_empty() || self.is_stopping() {
            return;
        }
        let allowed = self.max_replacing().saturating_sub(self.vacated());
        let allowed = allowed.saturating_add(usize::from(self.healthy_spare().is_some()));
        let next: Vec<_> = self.deferred.values().copied().take(allowed).collect();
        for id in next {
            self.notify_monitor(now, id, fal_health::Event::CheckNow);
        }
    }
}
