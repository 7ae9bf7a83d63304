//! Which runners there should be, what state each is in, and what to do about it.
//!
//! The core of the host: pure, like [`fal_health::Monitor`], of which it holds one a runner. [`Fleet::handle`] takes
//! what happened and when, and returns what to do; [`Fleet::deadline`] says when it wants to hear of the time. It
//! has no clock, does no I/O and draws no random number but from its seed, so a day of a fleet runs in milliseconds.

mod backoff;
mod checking;
mod ending;
mod input;
mod record;
mod rolling;
mod runner;
mod settings;
mod starting;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use fal_health::{Event, Time};

use self::backoff::Backoff;
pub use self::input::Happening;
pub(crate) use self::input::{Effect, Input};
pub use self::record::{Exit, RECORDS, Reason, RunnerRecord};
use self::rolling::Roll;
pub(crate) use self::runner::Runner;
pub use self::runner::RunnerState;
use self::runner::{Phase, Place};
pub use self::settings::Replacement;
pub(crate) use self::settings::{FleetSettings, KILLED_LIMIT, PROOF_WITHOUT_CHECKS};
use crate::RunnerId;

/// All runners of one host.
#[derive(Debug)]
pub(crate) struct Fleet {
    settings: FleetSettings,
    runners: BTreeMap<RunnerId, Runner>,
    /// One for each runner that there should be.
    seats: Vec<Seat>,
    /// When each runner has to be looked at again.
    timers: BTreeSet<(Time, RunnerId)>,
    /// Unhealthy runners that wait for their turn to be replaced, in the order of their verdicts (S40).
    waiting: VecDeque<RunnerId>,
    /// Runners that are being replaced by plan.
    roll: Option<Roll>,
    backoff: Backoff,
    records: VecDeque<RunnerRecord>,
    next_id: u64,
    ending: Ending,
    effects: Vec<Effect>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Seat {
    /// Who fills the place, or is to.
    occupant: Option<RunnerId>,
    /// Who is to take the occupant's place by plan, when it is ready.
    successor: Option<RunnerId>,
    /// Whose process has to end before the next occupant starts.
    awaits: Option<RunnerId>,
    /// A periodic verdict is being acted on here, until the occupant's first pass (S40).
    replacing: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Not,
    Stopping,
    Killing,
    Over,
}

impl Fleet {
    /// A fleet at `now`, and its first effects: every runner is started.
    pub(crate) fn start(now: Time, settings: FleetSettings) -> (Self, Vec<Effect>) {
        let seats = vec![Seat::default(); settings.runners.get()];
        let mut fleet = Self {
            roll: None,
            backoff: Backoff::new(settings.seed),
            settings,
            runners: BTreeMap::new(),
            seats,
            timers: BTreeSet::new(),
            waiting: VecDeque::new(),
            records: VecDeque::new(),
            next_id: 1,
            ending: Ending::Not,
            effects: Vec::new(),
        };
        for place in 0..fleet.seats.len() {
            fleet.fill(now, Place(place));
        }
        let effects = std::mem::take(&mut fleet.effects);
        (fleet, effects)
    }

    /// Takes what happened at `now` and says what to do. What concerns a runner that is no more changes nothing (S21).
    pub(crate) fn handle(&mut self, now: Time, input: Input) -> Vec<Effect> {
        match input {
            Input::Elapsed => self.elapsed(now),
            Input::Launched { id, pid } => self.launched(now, id, pid),
            Input::LaunchFailed { id, error } => self.launch_failed(now, id, error),
            Input::Progress { id, progress } => self.progress(id, progress),
            Input::SetupFailed { id, error } => {
                if let Some(runner) = self.runners.get_mut(&id) {
                    runner.detail = Some(error);
                }
            }
            Input::Ready { id } => self.ready(now, id),
            Input::ManualRequested { id } => self.tell(now, id, Event::ManualRequested),
            Input::CheckFinished { id, check, outcome, stalled } => {
                self.stalled(id, check, stalled);
                self.check_finished(now, id, check, outcome);
            }
            Input::Drained { id } => self.drained(now, id),
            Input::Unreachable { id } => {
                if self.runners.get(&id).is_some_and(Runner::is_ready) {
                    self.end(now, id, Reason::Unreachable);
                }
            }
            Input::Exited { id, exit } => self.exited(now, id, exit),
            Input::Restart => self.restart(now),
            Input::Stop => self.stop(now),
            Input::Kill => self.kill(now),
        }
        self.advance(now);
        if self.ending != Ending::Not && self.ending != Ending::Over && self.runners.is_empty() {
            self.ending = Ending::Over;
            self.effects.push(Effect::Stopped);
        }
        std::mem::take(&mut self.effects)
    }

    /// When it wants to be told that time has passed, if ever. It may lie in the past: then at once.
    pub(crate) fn deadline(&self) -> Option<Time> {
        let timer = self.timers.first().map(|(due, _)| *due);
        let turn = self.backoff.until().filter(|_| !self.waiting.is_empty());
        [timer, turn].into_iter().flatten().min()
    }

    /// The runners that there are, by id.
    pub(crate) fn runners(&self) -> impl Iterator<Item = &Runner> {
        self.runners.values()
    }

    /// Whether any runner takes requests.
    pub(crate) fn is_ready(&self) -> bool {
        self.runners.values().any(Runner::is_ready)
    }

    /// Whether it has been told to stop.
    pub(crate) fn is_stopping(&self) -> bool {
        self.ending != Ending::Not
    }

    /// The last runners that ended, oldest first, at most [`RECORDS`].
    pub(crate) fn records(&self) -> impl Iterator<Item = &RunnerRecord> {
        self.records.iter()
    }

    fn elapsed(&mut self, now: Time) {
        let due: Vec<_> = self.timers.iter().take_while(|(due, _)| *due <= now).map(|(_, id)| *id).collect();
        for id in due {
            self.due(now, id);
            self.rearm(id);
        }
        self.backoff.elapsed(now);
        self.take_turns(now);
    }

    fn due(&mut self, now: Time, id: RunnerId) {
        let Some(runner) = self.runners.get_mut(&id) else { return };
        match &mut runner.phase {
            Phase::CrashBackoff { until } if *until <= now => self.release(id),
            Phase::Setup { until } if *until <= now => self.end(now, id, Reason::StartupTimeout),
            Phase::Draining { until } if *until <= now => self.drained(now, id),
            Phase::Terminating { kill_at } if *kill_at <= now => self.kill_one(now, id),
            Phase::Killed { until } if *until <= now => self.abandon(now, id),
            Phase::Ready { proven_at } => {
                if proven_at.take_if(|proven_at| *proven_at <= now).is_some() {
                    self.proved(now, id);
                }
                self.tell(now, id, Event::Elapsed);
            }
            _ => {}
        }
    }

    fn ids(&self) -> Vec<RunnerId> {
        self.runners.keys().copied().collect()
    }

    fn emit(&mut self, id: RunnerId, happening: Happening) {
        self.effects.push(Effect::Emit(id, happening));
    }

    fn enter(&mut self, id: RunnerId, phase: Phase) {
        if let Some(runner) = self.runners.get_mut(&id) {
            runner.phase = phase;
        }
        self.rearm(id);
    }

    /// Sets a runner's timer to its deadline.
    fn rearm(&mut self, id: RunnerId) {
        let Some(runner) = self.runners.get_mut(&id) else { return };
        let deadline = runner.deadline();
        if runner.timer != deadline {
            if let Some(old) = std::mem::replace(&mut runner.timer, deadline) {
                self.timers.remove(&(old, id));
            }
            if let Some(new) = deadline {
                self.timers.insert((new, id));
            }
        }
    }

    fn remove(&mut self, id: RunnerId) -> Option<Runner> {
        let runner = self.runners.remove(&id)?;
        if let Some(timer) = runner.timer {
            self.timers.remove(&(timer, id));
        }
        Some(runner)
    }
}

#[cfg(test)]
mod tests;
