//! How runners begin, and when they have proved themselves.

use fal_health::protocol::Progress;
use fal_health::{Event, Lifespan, Monitor, Schedule, Time};

use super::runner::{Phase, Place, Runner};
use super::{Effect, Ending, Fleet, Happening, PROOF_WITHOUT_CHECKS, Reason};
use crate::RunnerId;

impl Fleet {
    /// Puts a new runner into a place: at once, unless the backoff holds it (S35).
    pub(super) fn fill(&mut self, now: Time, place: Place) {
        let id = self.begin(now, place);
        if let Some(seat) = self.seats.get_mut(place.0) {
            seat.occupant = Some(id);
            seat.awaits = None;
        }
    }

    /// A new runner for a place.
    pub(super) fn begin(&mut self, now: Time, place: Place) -> RunnerId {
        let id = RunnerId::new(self.next_id);
        self.next_id += 1;
        let phase = match self.backoff.held(now) {
            None => {
                self.effects.push(Effect::Launch(id));
                Phase::Pending
            }
            Some(until) => {
                let held = Happening::Held { wait: until.since(now), failed_starts: self.backoff.failures() };
                self.effects.push(Effect::Emit(id, held));
                Phase::CrashBackoff { until }
            }
        };
        let runner = Runner::new(id, place, now, phase);
        self.runners.insert(id, runner);
        self.rearm(id);
        id
    }

    pub(super) fn launched(&mut self, now: Time, id: RunnerId, pid: Option<u32>) {
        let Some(runner) = self.runners.get_mut(&id) else { return };
        runner.pid = pid;
        runner.started = now;
        let lifespan = Lifespan { started: now, startup_timeout: self.settings.startup_timeout };
        let schedule = Schedule::new(self.settings.check_interval, id.get());
        runner.monitor = self.settings.health.map(|health| Monitor::new(health, lifespan, schedule));
        let effective_start_period = self.settings.effective_start_period();
        self.emit(id, Happening::Started { pid, effective_start_period });
        self.enter(id, Phase::Setup { until: now + self.settings.startup_limit() });
        match self.ending {
            Ending::Not | Ending::Over => {}
            Ending::Stopping => self.end(now, id, Reason::Stopped),
            Ending::Killing => self.kill_one(now, id),
        }
    }

    pub(super) fn launch_failed(&mut self, now: Time, id: RunnerId, error: String) {
        let Some(mut runner) = self.remove(id) else { return };
        if self.ending != Ending::Not {
            return;
        }
        runner.reason = Some(Reason::SetupFailed);
        runner.detail = Some(error);
        self.start_failed(now, id);
        self.gone(now, runner, None);
    }

    /// A start has failed: the next ones may have to wait, and nobody is replaced by plan (S35).
    pub(super) fn start_failed(&mut self, now: Time, id: RunnerId) {
        self.backoff.failed(now);
        if self.roll.take().is_some() {
            self.emit(id, Happening::RestartGivenUp);
        }
    }

    pub(super) fn progress(&mut self, id: RunnerId, progress: Progress) {
        let Some(runner) = self.runners.get_mut(&id) else { return };
        if matches!(runner.phase, Phase::Setup { .. }) {
            runner.progress = Some(progress.clone());
            self.emit(id, Happening::Progress(progress));
        }
    }

    pub(super) fn ready(&mut self, now: Time, id: RunnerId) {
        let Some(runner) = self.runners.get_mut(&id) else { return };
        if !matches!(runner.phase, Phase::Setup { .. }) {
            return;
        }
        runner.progress = None;
        let after = now.since(runner.started);
        let proven_at = (!self.settings.has_periodic_checks()).then(|| now + PROOF_WITHOUT_CHECKS);
        if let Some(monitor) = &mut runner.monitor {
            monitor.handle(now, Event::Ready);
        }
        self.enter(id, Phase::Ready { proven_at });
        self.effects.push(Effect::Route(id));
        self.emit(id, Happening::Ready { after });
        self.succeed(now, id);
    }

    /// The runner has shown that its start succeeded: nothing is held any more, and its place is filled (S35, S40).
    pub(super) fn proved(&mut self, now: Time, id: RunnerId) {
        let Some(runner) = self.runners.get_mut(&id) else { return };
        runner.proven = true;
        if let Some(seat) = self.seats.get_mut(runner.place.0)
            && seat.occupant == Some(id)
        {
            seat.replacing = false;
        }
        if self.backoff.failures() > 0 {
            self.backoff.reset();
            let held = |runner: &&Runner| matches!(runner.phase, Phase::CrashBackoff { .. });
            let released: Vec<_> = self.runners.values().filter(held).map(Runner::id).collect();
            for id in released {
                self.release(id);
            }
        }
        self.take_turns(now);
    }

    pub(super) fn release(&mut self, id: RunnerId) {
        self.effects.push(Effect::Launch(id));
        self.enter(id, Phase::Pending);
    }
}
