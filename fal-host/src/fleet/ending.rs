//! How runners end, and who takes their places.

use fal_health::{Event, Monitor, Time};

use super::runner::{Phase, Place, Runner};
use super::{
    Effect, Ending, Exit, Fleet, Happening, KILLED_LIMIT, RECORDS, Reason, Replacement, RunnerRecord,
};
use crate::RunnerId;

impl Fleet {
    /// Tells a runner to stop, and starts its replacement (S33, S35).
    pub(super) fn end(&mut self, now: Time, id: RunnerId, reason: Reason) {
        let Some(runner) = self.runners.get_mut(&id) else { return };
        if matches!(runner.phase, Phase::Terminating { .. } | Phase::Killed { .. }) {
            return;
        }
        let place = runner.place;
        let reason = *runner.reason.get_or_insert(reason);
        let failed_start = !runner.proven && !matches!(reason, Reason::Stopped | Reason::Restarted);
        let grace_period = self.settings.grace_period;
        self.leave_rotation(now, id);
        self.effects.push(Effect::Terminate(id));
        self.emit(id, Happening::Terminating { reason, grace_period });
        self.enter(id, Phase::Terminating { kill_at: now + grace_period });
        if failed_start {
            self.start_failed(now, id);
        }
        self.vacate(now, id, place);
    }

    /// Lets a runner finish what it has, without a limit but the drain timeout, before it is told to stop (S33).
    pub(super) fn drain(&mut self, now: Time, id: RunnerId, reason: Reason) {
        let Some(runner) = self.runners.get_mut(&id) else { return };
        runner.reason.get_or_insert(reason);
        let place = runner.place;
        let timeout = self.settings.drain_timeout;
        self.emit(id, Happening::Draining { reason, timeout });
        self.leave_rotation(now, id);
        self.enter(id, Phase::Draining { until: now + timeout });
        self.vacate(now, id, place);
    }

    pub(super) fn drained(&mut self, now: Time, id: RunnerId) {
        let Some(runner) = self.runners.get(&id) else { return };
        if matches!(runner.phase, Phase::Draining { .. }) {
            self.end(now, id, runner.reason.unwrap_or(Reason::Stopped));
        }
    }

    /// No request and no check from here on (S11, S21).
    pub(super) fn leave_rotation(&mut self, now: Time, id: RunnerId) {
        let Some(runner) = self.runners.get_mut(&id) else { return };
        if let Some(monitor) = &mut runner.monitor {
            if monitor.in_flight().is_some() {
                self.effects.push(Effect::DropCheck(id));
            }
            monitor.handle(now, Event::Stopping);
        }
        if runner.is_ready() {
            self.effects.push(Effect::Unroute(id));
        }
    }

    pub(super) fn exited(&mut self, now: Time, id: RunnerId, exit: Exit) {
        self.leave_rotation(now, id);
        let Some(mut runner) = self.remove(id) else { return };
        let unexpected = match runner.phase {
            // Whatever was planned, nobody had told it to stop (S36).
            Phase::Ready { .. } | Phase::Draining { .. } => Some(Reason::Exited),
            Phase::Setup { .. } => Some(Reason::SetupFailed),
            _ => None,
        };
        if let Some(reason) = unexpected {
            runner.reason = Some(reason);
            if !runner.proven {
                self.start_failed(now, id);
            }
        }
        self.gone(now, runner, Some(exit));
    }

    /// The runner has no process any more, or none that anything can be done about.
    pub(super) fn gone(&mut self, now: Time, runner: Runner, exit: Option<Exit>) {
        let Runner { id, place, .. } = runner;
        self.record(now, runner, exit);
        self.vacate(now, id, place);
        if self.ending == Ending::Not && self.seats.get(place.0).is_some_and(|seat| seat.awaits == Some(id)) {
            self.fill(now, place);
        }
    }

    /// Takes a runner's place from it, and gives that to its successor, or to a new runner.
    fn vacate(&mut self, now: Time, id: RunnerId, place: Place) {
        let alive = self.runners.contains_key(&id);
        let Some(seat) = self.seats.get_mut(place.0) else { return };
        if seat.successor == Some(id) {
            seat.successor = None;
        }
        if seat.occupant != Some(id) {
            return;
        }
        seat.occupant = seat.successor.take();
        if seat.occupant.is_some() || self.ending != Ending::Not {
            return;
        }
        if alive && self.settings.replacement == Replacement::Exclusive {
            seat.awaits = Some(id);
        } else {
            self.fill(now, place);
        }
    }

    fn record(&mut self, now: Time, runner: Runner, exit: Option<Exit>) {
        let record = RunnerRecord {
            id: runner.id,
            pid: runner.pid,
            started: runner.started,
            ended: now,
            reason: runner.reason.unwrap_or(Reason::Exited),
            detail: runner.detail,
            checks: runner.monitor.iter().flat_map(Monitor::history).copied().collect(),
            exit,
        };
        if self.records.len() == RECORDS {
            self.records.pop_front();
        }
        self.records.push_back(record.clone());
        self.emit(runner.id, Happening::Terminated(record));
        self.effects.push(Effect::Forget(runner.id));
    }

    pub(super) fn stop(&mut self, now: Time) {
        if self.ending != Ending::Not {
            return;
        }
        self.ending = Ending::Stopping;
        for id in self.ids() {
            match self.runners.get(&id).map(|runner| runner.phase) {
                Some(Phase::CrashBackoff { .. }) => drop(self.remove(id)),
                Some(Phase::Setup { .. }) => self.end(now, id, Reason::Stopped),
                Some(Phase::Ready { .. }) => self.drain(now, id, Reason::Stopped),
                _ => {}
            }
        }
    }

    pub(super) fn kill(&mut self, now: Time) {
        if self.ending == Ending::Over {
            return;
        }
        self.ending = Ending::Killing;
        for id in self.ids() {
            match self.runners.get(&id).map(|runner| runner.phase) {
                Some(Phase::CrashBackoff { .. }) => drop(self.remove(id)),
                // Killed when it is known that it runs.
                Some(Phase::Pending | Phase::Killed { .. }) | None => {}
                Some(_) => self.kill_one(now, id),
            }
        }
    }

    pub(super) fn kill_one(&mut self, now: Time, id: RunnerId) {
        let Some(runner) = self.runners.get_mut(&id) else { return };
        runner.reason.get_or_insert(Reason::Stopped);
        self.leave_rotation(now, id);
        self.effects.push(Effect::Kill(id));
        self.emit(id, Happening::Killed);
        self.enter(id, Phase::Killed { until: now + KILLED_LIMIT });
    }

    /// Not even SIGKILL has ended it: a process that hangs in the system. It blocks nobody any more.
    pub(super) fn abandon(&mut self, now: Time, id: RunnerId) {
        self.emit(id, Happening::Abandoned);
        if let Some(runner) = self.remove(id) {
            self.gone(now, runner, None);
        }
    }
}
