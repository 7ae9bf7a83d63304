//! The fleet: the sans-I/O core that decides which runners there are and what happens to each of them.
//!
//! It reads no clock, does no I/O, and takes its only random number from its seed. A test runs a day of a fleet in
//! milliseconds. It holds one [`fal_health::Monitor`] for each runner.
//!
//! # The canonical loop
//!
//! [`Fleet::start`] returns a fleet and its first commands. After that only [`Fleet::handle`] changes it:
//!
//! 1. Execute the commands of the last call, in order. A launch may wait; if [`Fleet::wants_launch`] denies it then, its
//!    event is [`FleetEvent::LaunchDropped`].
//! 2. Take the next event. Without one, wait for one or for [`Fleet::deadline`], whichever comes first; the event
//!    of a deadline is [`FleetEvent::Elapsed`].
//! 3. Call [`Fleet::handle`] with that event and the time at which it became known. Times must not run backwards.
//! 4. Repeat until [`FleetCommand::Stopped`], the last command.
//!
//! An event of a runner that no longer exists changes nothing (S21). If a host that stops has not
//! waited for its launch, its process is killed. An `Elapsed` that comes early or late does no harm.
//!
//! # What holds between two calls
//!
//! - Each replica has exactly one current runner and at most one successor. Under
//!   [`ReplacementStrategy::StopFirst`] a replica has none while the process of its last runner ends.
//! - A runner of a spare is not in the rotation. While one is ready, each other replica has a runner in the rotation (S75).
//! - Each runner that is not ending belongs to exactly one replica. A runner that is ending belongs to none.
//! - A runner takes requests only while it is ready and, with periodic checks, has passed one (S44). It has at most one
//!   check in flight, and none before it is ready or once it is ending.
//! - At most `max_replacing` replicas are being replaced because of periodic checks (S40).
//! - Each runner with a deadline has exactly one entry among the timers, at that deadline.
//! - Each runner whose process was started leaves exactly one record (S36).
//! - After a stop, no runner starts.
//!
//! `tests/random_histories` asserts these after every event of its histories.

mod backoff;
mod checking;
mod ending;
mod event_kind;
mod exit;
mod failure_cause;
mod finding;
mod give_up;
mod giving_up;
mod limiting;
mod limits;
mod max_replacing;
mod message;
mod observing;
mod order;
mod ordering;
mod record;
mod refusal;
mod replica;
mod restarting;
mod rolling_restart;
mod runner;
mod runner_map;
mod scale;
mod scaling;
mod settings;
mod spares;
mod starting;
mod step;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use fal_health::Time;

pub use self::event_kind::EventKind;
pub use self::exit::Exit;
pub use self::failure_cause::FailureCause;
pub(crate) use self::finding::Finding;
pub use self::finding::OnStall;
use self::give_up::FailedStart;
pub use self::give_up::{GaveUp, GiveUp};
pub(crate) use self::limits::RunnerLimits;
pub(crate) use self::max_replacing::MaxReplacing;
pub(crate) use self::message::{FleetCommand, FleetEvent};
pub(crate) use self::observing::ObservedRunner;
pub use self::order::{OrderError, RunnerOrder};
pub use self::record::{MAX_RECORDS, Reason, RunnerRecord};
use self::replica::Replica;
pub(crate) use self::replica::ReplicaIndex;
use self::rolling_restart::RollingRestart;
pub use self::rolling_restart::{RestartError, RestartStatus};
use self::runner::Phase;
pub(crate) use self::runner::Runner;
pub use self::runner::RunnerState;
use self::runner_map::RunnerMap;
pub(crate) use self::scale::Scale;
pub use self::scale::ScaleTarget;
pub use self::settings::{Admission, ReplacementStrategy};
pub(crate) use self::settings::{DEFAULT_START_CHECK_INTERVAL, DEFAULT_STARTUP_TIMEOUT, FleetSettings};
pub(crate) use self::starting::{ENDED_EARLY, NOT_READY};
pub use self::step::{Step, StepKind};
use crate::id::RunnerId;

/// All runners of one host.
#[derive(Debug)]
pub(crate) struct Fleet {
    settings: FleetSettings,
    runners: RunnerMap,
    /// As many as there should be runners and spares.
    replicas: BTreeMap<ReplicaIndex, Replica>,
    /// The replicas that are spares (S75).
    spares: BTreeSet<ReplicaIndex>,
    /// How many runners are in the rotation.
    routed: usize,
    /// The deadline of each runner that has one.
    timers: BTreeSet<(Time, RunnerId)>,
    /// Unhealthy runners that wait to be replaced, by the number of their deferral (S40).
    deferred: BTreeMap<u64, RunnerId>,
    next_deferral: u64,
    /// How many replicas are being replaced because of periodic checks or limits (S40, S54).
    replacing: usize,
    /// How many of these still have their old runner in service.
    doubled: usize,
    /// Runners that have reached a limit and wait to be replaced (S54), the first one first.
    due: VecDeque<RunnerId>,
    rolling_restart: Option<RollingRestart>,
    /// How the last rolling restart ended.
    last_restart: Option<RestartStatus>,
    records: VecDeque<Arc<RunnerRecord>>,
    next_id: u64,
    /// The runner that a host names when it gives up (S48).
    last_failed_start: Option<FailedStart>,
    /// Whether any runner has ever been in the rotation.
    has_admitted: bool,
    /// Whether any runner has ever passed a check.
    has_passed: bool,
    shutdown: Shutdown,
    /// The time of the current call.
    now: Time,
    /// The commands of the current call.
    commands: Vec<FleetCommand>,
}

/// How far the host's shutdown is (S41).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shutdown {
    NotRequested,
    /// Runners drain.
    Graceful,
    /// Runners are killed.
    Forced,
    /// No runner is left.
    Complete,
}

impl Fleet {
    /// A fleet at `now`, and its first commands, which start every runner.
    pub(crate) fn start(now: Time, settings: FleetSettings) -> (Self, Vec<FleetCommand>) {
        let mut fleet = Self {
            rolling_restart: None,
            last_restart: None,
            settings,
            runners: RunnerMap::default(),
            replicas: BTreeMap::new(),
            spares: BTreeSet::new(),
            routed: 0,
            timers: BTreeSet::new(),
            deferred: BTreeMap::new(),
            next_deferral: 0,
            replacing: 0,
            doubled: 0,
            due: VecDeque::new(),
            records: VecDeque::new(),
            next_id: 1,
            last_failed_start: None,
            has_admitted: false,
            has_passed: false,
            shutdown: Shutdown::NotRequested,
            now,
            commands: Vec::new(),
        };
        for _ in 0..fleet.settings.runners.get() {
            fleet.add_replica(now);
        }
        for _ in 0..fleet.settings.spares {
            let index = fleet.add_replica(now);
            fleet.spares.insert(index);
        }
        let commands = std::mem::take(&mut fleet.commands);
        (fleet, commands)
    }

    /// Handles what happened at `now` and returns what to do about it.
    pub(crate) fn handle(&mut self, now: Time, event: FleetEvent) -> Vec<FleetCommand> {
        self.now = now;
        match event {
            FleetEvent::Elapsed => self.on_elapsed(now),
            FleetEvent::Launched { id, pid, started } => self.on_launched(now, id, pid, started),
            FleetEvent::LaunchFailed { id, error } => self.on_launch_failed(now, id, error),
            FleetEvent::LaunchDropped { id } => self.on_launch_dropped(now, id),
            FleetEvent::Progress { id, progress } => self.on_progress(id, progress),
            FleetEvent::SetupFailed { id, error } => {
                if let Some(runner) = self.runners.get_mut(&id) {
                    runner.detail = Some(error);
                }
            }
            FleetEvent::NotReady { id, detail } => self.on_not_ready(id, detail),
            FleetEvent::Ready { id } => self.on_ready(now, id),
            FleetEvent::ManualRequested { id } => {
                if self.runners.get(&id).is_some_and(Runner::is_routed) {
                    self.notify_monitor(now, id, fal_health::Event::ManualRequested);
                }
            }
            FleetEvent::CheckFinished { id, check, finding } => {
                self.on_check_finished(now, id, check, finding);
            }
            FleetEvent::MemoryMeasured { id, bytes } => self.on_memory_measured(id, bytes),
            FleetEvent::RequestsReached { id } => self.on_limit_reached(id, Reason::Requests),
            FleetEvent::Drained { id } => self.on_drained(now, id),
            FleetEvent::Unreachable { id, refused } => self.on_unreachable(now, id, refused),
            FleetEvent::StopRequested { id } => self.on_stop_requested(now, id),
            FleetEvent::Ordered { id, order } => self.on_ordered(now, id, order),
            FleetEvent::CheckOrdered { id } => self.on_check_ordered(now, id),
            FleetEvent::Exited { id, exit } => self.on_exited(now, id, exit),
            FleetEvent::Restart => self.on_restart(now),
            FleetEvent::Scale(scale) => self.on_scale(now, scale),
            FleetEvent::Stop => self.on_stop(now),
            FleetEvent::Kill => self.on_kill(now),
        }
        self.advance_restart(now);
        self.start_due_replacements(now);
        if matches!(self.shutdown, Shutdown::Graceful | Shutdown::Forced) && self.runners.is_empty() {
            self.shutdown = Shutdown::Complete;
            self.commands.push(FleetCommand::Stopped);
        }
        std::mem::take(&mut self.commands)
    }

    /// When the fleet wants [`FleetEvent::Elapsed`], if ever. A time in the past means at once.
    pub(crate) fn deadline(&self) -> Option<Time> {
        self.timers.first().map(|(due, _)| *due)
    }

    /// The runners that have not ended, by id.
    #[cfg(test)]
    pub(crate) fn runners(&self) -> impl Iterator<Item = &Runner> {
        self.runners.values()
    }

    pub(crate) fn replacement_strategy(&self) -> ReplacementStrategy {
        self.settings.replacement_strategy
    }

    /// How many replicas are being replaced whose old runner has left (S40).
    pub(crate) fn vacated(&self) -> usize {
        self.replacing - self.doubled
    }

    pub(crate) fn settings(&self) -> &FleetSettings {
        &self.settings
    }

    /// Whether any runner is in the rotation.
    pub(crate) fn is_ready(&self) -> bool {
        self.routed > 0
    }

    /// Whether the host is stopping or has stopped.
    pub(crate) fn is_stopping(&self) -> bool {
        self.shutdown != Shutdown::NotRequested
    }

    fn on_elapsed(&mut self, now: Time) {
        let due: Vec<_> = self.timers.iter().take_while(|(due, _)| *due <= now).copied().collect();
        for timer in due {
            let (_, id) = timer;
            // What was due for another runner may have changed the deadline of this one.
            if self.timers.contains(&timer) {
                self.on_deadline(now, id);
                self.update_timer(id);
            }
        }
    }

    fn on_deadline(&mut self, now: Time, id: RunnerId) {
        let Some(runner) = self.runners.get_mut(&id) else { return };
        let index = runner.replica;
        match &mut runner.phase {
            Phase::CrashBackoff { .. } => self.launch(id, index),
            Phase::Setup { .. } => self.on_startup_timeout(now, id),
            Phase::Draining { .. } => self.on_drained(now, id),
            Phase::Terminating { .. } => self.kill_runner(now, id),
            Phase::Killed { .. } => self.on_kill_outlived(now, id),
            Phase::AwaitingFirstPass => self.notify_monitor(now, id, fal_health::Event::Elapsed),
            Phase::Ready { stable_at } => {
                if stable_at.take_if(|stable_at| *stable_at <= now).is_some() {
                    self.mark_stable(now, id);
                }
                if self.end_unreachable(now, id) {
                    return;
                }
                self.end_min_healthy(now, id);
                if self.runners.get(&id).and_then(Runner::age_limit).is_some_and(|limit| limit <= now) {
                    self.on_limit_reached(id, Reason::Age);
                }
                self.notify_monitor(now, id, fal_health::Event::Elapsed);
            }
            // Its start takes too long. The driver ends the process should it start later (S61c).
            Phase::Pending { .. } => drop(self.remove(id)),
        }
    }

    fn ids(&self) -> Vec<RunnerId> {
        self.runners.keys().copied().collect()
    }

    fn emit(&mut self, id: RunnerId, kind: EventKind) {
        self.commands.push(FleetCommand::Emit(id, kind));
    }

    fn set_phase(&mut self, id: RunnerId, phase: Phase) {
        if let Some(runner) = self.runners.get_mut(&id) {
            runner.enter(phase, self.now);
        }
        self.update_timer(id);
    }

    /// Sets the timer of a runner to its deadline.
    fn update_timer(&mut self, id: RunnerId) {
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
