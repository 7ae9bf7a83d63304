//! A fleet under a simulated clock, with runners that follow scripts.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::time::Duration;

use fal_health::{Failure, HealthCheck, Outcome, Time};

use crate::fleet::{
    EventKind, Exit, Fleet, FleetCommand, FleetEvent, FleetSettings, GiveUp, MaxReplacing, Reason,
    RestartError, RunnerRecord,
};
use crate::id::RunnerId;

pub(super) const FAILED: Outcome = Outcome::Failure(Failure::Status(500));

pub(super) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(super) const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(super) fn at(duration: Duration) -> Time {
    Time::after_start(duration)
}

/// How a runner behaves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Script {
    /// From the start of its process until it is ready; none: never.
    pub(super) setup: Option<Duration>,
    /// From the start of its process until it exits by itself.
    pub(super) exits: Option<Duration>,
    /// From when on, on the simulation's clock, its checks fail.
    pub(super) sick_from: Option<Time>,
    /// And until when.
    pub(super) well_from: Option<Time>,
    /// From SIGTERM to its exit; none: never.
    pub(super) stops_in: Option<Duration>,
    /// From leaving the rotation until nothing is in flight; none: never.
    pub(super) drains_in: Option<Duration>,
    /// Whether SIGKILL ends it.
    pub(super) dies: bool,
    /// Whether its process can be started at all.
    pub(super) starts: bool,
}

pub(super) const GOOD: Script = Script {
    setup: Some(millis(500)),
    exits: None,
    sick_from: None,
    well_from: None,
    stops_in: Some(millis(200)),
    drains_in: Some(millis(100)),
    dies: true,
    starts: true,
};

/// A fleet, the time, and the scripted runners that it acts on.
pub(super) struct Simulation {
    pub(super) fleet: Fleet,
    pub(super) now: Time,
    pub(super) events: Vec<(Time, RunnerId, EventKind)>,
    pub(super) routed: BTreeSet<RunnerId>,
    pub(super) killed: BTreeSet<RunnerId>,
    pub(super) processes: BTreeSet<RunnerId>,
    /// The index of each runner.
    pub(super) indexes: BTreeMap<RunnerId, usize>,
    pub(super) stopped: bool,
    /// How rolling restarts have ended.
    pub(super) restarts: Vec<Result<(), RestartError>>,
    /// The script of each runner to come; the last one serves all further ones.
    scripts: Box<dyn Fn(RunnerId) -> Script>,
    to_come: BTreeMap<(Time, u64), FleetEvent>,
    sequence: u64,
}

pub(super) fn settings(runners: usize) -> FleetSettings {
    let health = HealthCheck::new().start_period_seconds(0);
    FleetSettings {
        health: Some(health),
        give_up: GiveUp::Never,
        ..FleetSettings::new(NonZeroUsize::new(runners).unwrap())
    }
}

/// A bound on replacements because of periodic checks.
pub(super) const fn at_most(runners: usize) -> MaxReplacing {
    MaxReplacing::Bound(NonZeroUsize::new(runners).unwrap())
}

impl Simulation {
    pub(super) fn new(settings: FleetSettings, scripts: impl Fn(RunnerId) -> Script + 'static) -> Self {
        let (fleet, commands) = Fleet::start(Time::ZERO, settings);
        let mut simulation = Self {
            fleet,
            now: Time::ZERO,
            events: Vec::new(),
            routed: BTreeSet::new(),
            killed: BTreeSet::new(),
            processes: BTreeSet::new(),
            indexes: BTreeMap::new(),
            stopped: false,
            restarts: Vec::new(),
            scripts: Box::new(scripts),
            to_come: BTreeMap::new(),
            sequence: 0,
        };
        simulation.execute(commands);
        simulation
    }

    pub(super) fn handle(&mut self, event: FleetEvent) {
        if let FleetEvent::Exited { id, .. } = &event {
            self.processes.remove(id);
        }
        let commands = self.fleet.handle(self.now, event);
        self.execute(commands);
    }

    /// Lets time pass, up to and including this point.
    pub(super) fn run_to(&mut self, end: Duration) {
        let end = at(end);
        loop {
            let event = self.to_come.first_key_value().map(|((time, _), _)| *time);
            let deadline = self.fleet.deadline();
            let Some(next) = [event, deadline].into_iter().flatten().min().filter(|next| *next <= end) else {
                break;
            };
            self.now = self.now.max(next);
            if event.is_some_and(|event| event <= self.now) {
                let (_, event) = self.to_come.pop_first().unwrap();
                if !matches!(&event, FleetEvent::Exited { id, .. } if !self.processes.contains(id)) {
                    self.handle(event);
                }
            } else {
                self.handle(FleetEvent::Elapsed);
            }
        }
        self.now = end;
    }

    pub(super) fn records(&self) -> Vec<RunnerRecord> {
        self.fleet.records().map(|record| record.as_ref().clone()).collect()
    }

    pub(super) fn reasons(&self) -> Vec<Reason> {
        self.fleet.records().map(|record| record.reason).collect()
    }

    /// When each runner's process was started.
    pub(super) fn starts(&self) -> Vec<Time> {
        let started = |(time, _, what): &(Time, _, EventKind)| {
            matches!(what, EventKind::Started { .. }).then_some(*time)
        };
        self.events.iter().filter_map(started).collect()
    }

    pub(super) fn happened(&self, id: u64, what: impl Fn(&EventKind) -> bool) -> Option<Time> {
        self.events.iter().find(|(_, runner, it)| runner.get() == id && what(it)).map(|(time, ..)| *time)
    }

    fn later(&mut self, wait: Duration, event: FleetEvent) {
        self.sequence += 1;
        self.to_come.insert((self.now + wait, self.sequence), event);
    }

    fn execute(&mut self, commands: Vec<FleetCommand>) {
        for command in commands {
            assert!(!self.stopped, "nothing follows the end");
            match command {
                FleetCommand::Launch(id, index) => {
                    self.indexes.insert(id, index.get());
                    self.launch(id);
                }
                FleetCommand::Route(id) => assert!(self.routed.insert(id)),
                FleetCommand::Unroute(id) => {
                    assert!(self.routed.remove(&id), "{id} was in the rotation");
                    if let Some(wait) = (self.scripts)(id).drains_in {
                        self.later(wait, FleetEvent::Drained { id });
                    }
                }
                FleetCommand::Terminate(id) => {
                    assert!(self.processes.contains(&id), "only a process can be told to stop");
                    if let Some(wait) = (self.scripts)(id).stops_in {
                        self.later(wait, FleetEvent::Exited { id, exit: Exit::Status(0) });
                    }
                }
                FleetCommand::Kill(id) => {
                    assert!(self.processes.contains(&id), "only a process can be killed");
                    assert!(self.killed.insert(id), "{id} is killed once");
                    if (self.scripts)(id).dies {
                        self.later(millis(1), FleetEvent::Exited { id, exit: Exit::Signal(9) });
                    }
                }
                FleetCommand::StartCheck(id, check) => {
                    let awaits = self
                        .fleet
                        .runners()
                        .any(|it| it.id() == id && (it.awaits_first_pass() || it.is_ready()));
                    assert!(
                        self.routed.contains(&id) || awaits,
                        "{id} is checked while it is in service (S11)"
                    );
                    let script = (self.scripts)(id);
                    let sick = script.sick_from.is_some_and(|from| from <= self.now)
                        && script.well_from.is_none_or(|from| self.now < from);
                    let outcome = if sick { FAILED } else { Outcome::Pass };
                    self.later(
                        millis(2),
                        FleetEvent::CheckFinished { id, check: check.id, finding: outcome.into() },
                    );
                }
                FleetCommand::GiveUp(_)
                | FleetCommand::LimitRequests(..)
                | FleetCommand::DispatchLast(_)
                | FleetCommand::DispatchNormally(_)
                | FleetCommand::CancelCheck(_)
                | FleetCommand::ReleasePermits(_)
                | FleetCommand::ManualCheckEnded(_) => {}
                FleetCommand::Forget(id) => {
                    assert!(!self.routed.contains(&id), "{id} left the rotation before it was forgotten");
                }
                FleetCommand::RestartEnded(outcome) => self.restarts.push(outcome),
                FleetCommand::Emit(id, kind) => self.events.push((self.now, id, kind)),
                FleetCommand::Stopped => self.stopped = true,
            }
        }
    }

    fn launch(&mut self, id: RunnerId) {
        let script = (self.scripts)(id);
        if !script.starts {
            return self
                .later(Duration::ZERO, FleetEvent::LaunchFailed { id, error: "no such file".to_owned() });
        }
        assert!(self.processes.insert(id), "{id} is started once");
        self.later(
            Duration::ZERO,
            FleetEvent::Launched { id, pid: u32::try_from(id.get()).ok(), started: self.now },
        );
        if let Some(wait) = script.setup {
            self.later(wait, FleetEvent::Ready { id });
        }
        if let Some(wait) = script.exits {
            self.later(wait, FleetEvent::Exited { id, exit: Exit::Status(1) });
        }
    }
}
