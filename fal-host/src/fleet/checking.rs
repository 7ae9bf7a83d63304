//! What follows from checks.

use std::time::Duration;

use fal_health::{CheckId, Command, Event, Judgement, Monitor, Outcome, Time, Trigger, Unhealthy, Verdict};

use super::{Effect, Fleet, Happening, Reason};
use crate::RunnerId;

impl Fleet {
    pub(super) fn check_finished(&mut self, now: Time, id: RunnerId, check: CheckId, outcome: Outcome) {
        let Some(monitor) = self.runners.get_mut(&id).and_then(|runner| runner.monitor.as_mut()) else {
            return;
        };
        if monitor.in_flight().is_none_or(|expected| expected.id != check) {
            return;
        }
        let command = monitor.handle(now, Event::Finished { check, outcome });
        let Some(record) = monitor.history().last().copied() else { return };
        match (record.trigger, record.judgement) {
            (Trigger::Manual, Judgement::Inconclusive) => self.effects.push(Effect::ReleaseSlots(id)),
            (Trigger::Manual, Judgement::Passed) => self.effects.push(Effect::ManualCheckEnded(id)),
            // After a failure it leaves the rotation with its slots: given back before that, they would go to whoever
            // waits (S33).
            _ => {}
        }
        // Whoever hears of it finds the slots given back.
        self.emit(id, Happening::Checked(record));
        if record.judgement == Judgement::Passed && self.settings.has_periodic_checks() {
            self.proved(now, id);
        }
        self.obey(now, id, command);
    }

    /// Says that a runner's requests stand still, once until they have moved again.
    pub(super) fn stalled(&mut self, id: RunnerId, check: CheckId, stalled: Option<Duration>) {
        let Some(runner) = self.runners.get_mut(&id) else { return };
        let in_flight = runner.monitor.as_ref().and_then(Monitor::in_flight);
        if in_flight.is_none_or(|expected| expected.id != check) {
            return;
        }
        let said = std::mem::replace(&mut runner.stalled, stalled.is_some());
        if let Some(since) = stalled.filter(|_| !said) {
            self.emit(id, Happening::Stalled { since });
        }
    }

    pub(super) fn tell(&mut self, now: Time, id: RunnerId, event: Event) {
        let monitor = self.runners.get_mut(&id).and_then(|runner| runner.monitor.as_mut());
        let command = monitor.and_then(|monitor| monitor.handle(now, event));
        self.obey(now, id, command);
    }

    /// Does as a runner's monitor says.
    pub(super) fn obey(&mut self, now: Time, id: RunnerId, command: Option<Command>) {
        self.rearm(id);
        match command {
            None => {}
            Some(Command::Start(check)) => self.effects.push(Effect::StartCheck(id, check)),
            Some(Command::Unhealthy(Unhealthy::ManualCheckFailed)) => {
                self.end(now, id, Reason::ManualCheckFailed);
            }
            Some(Command::Unhealthy(Unhealthy::Streak(_))) => {
                if !self.waiting.contains(&id) {
                    self.waiting.push_back(id);
                }
                self.take_turns(now);
            }
        }
    }

    /// Ends unhealthy runners as far as the bound on replacements allows (S40).
    pub(super) fn take_turns(&mut self, now: Time) {
        for id in std::mem::take(&mut self.waiting) {
            let Some(runner) = self.runners.get_mut(&id) else { continue };
            let verdict = runner.monitor.as_ref().map(Monitor::verdict);
            if !runner.is_ready() || verdict != Some(Verdict::Unhealthy) {
                runner.waits = false;
                continue;
            }
            let (place, said) = (runner.place, std::mem::replace(&mut runner.waits, true));
            let replacing = self.seats.iter().filter(|seat| seat.replacing).count();
            let free = self
                .settings
                .max_replacing
                .is_none_or(|bound| replacing < bound.get() && self.backoff.held(now).is_none());
            let Some(seat) = self.seats.get_mut(place.0) else { continue };
            if free || seat.replacing {
                seat.replacing = true;
                self.end(now, id, Reason::Unhealthy);
            } else {
                self.waiting.push_back(id);
                if !said {
                    self.emit(id, Happening::WaitsToBeReplaced { replacing });
                }
            }
        }
    }
}
