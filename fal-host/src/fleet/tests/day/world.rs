//! A fleet, its runners and what befalls them, under a simulated clock.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use fal_health::{Check, Failure, Outcome, Time};

use super::super::chance::Chance;
use super::super::simulation::{FAILED, millis, seconds};
use super::life::{Fault, Life, Living, Setup, within};
use super::observer::Observer;
use crate::fleet::{Exit, Finding, Fleet, FleetCommand, FleetEvent, FleetSettings};
use crate::id::RunnerId;

/// The memory of a runner without a leak, and how fast that of a leaking one grows, in bytes.
const MEMORY: u64 = 100;
const LEAK_PER_MINUTE: u64 = 50;
const SAMPLE_INTERVAL: Duration = seconds(60);

/// What will happen.
#[derive(Debug)]
pub(super) enum Happening {
    Fleet(FleetEvent),
    /// A check ends, which started then.
    Answer {
        id: RunnerId,
        check: Check,
        started: Time,
        finding: Finding,
    },
    Fault(RunnerId, Fault),
    /// What all runners depend on fails, until then.
    Outage(Time),
    /// Runners do not start, until then.
    BadRelease(Time),
    /// The host does not run for this time.
    Suspend(Duration),
    SampleMemory,
    /// Nothing goes wrong from now on. A fault that a runner has stays.
    Heal,
}

/// Ordered by time, and then by the order in which it was planned.
struct Planned(Time, u64, Happening);

impl PartialEq for Planned {
    fn eq(&self, other: &Self) -> bool {
        (self.0, self.1) == (other.0, other.1)
    }
}

impl Eq for Planned {}

impl PartialOrd for Planned {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Planned {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.0, self.1).cmp(&(other.0, other.1))
    }
}

pub(super) struct World {
    pub(super) fleet: Fleet,
    pub(super) now: Time,
    pub(super) living: BTreeMap<RunnerId, Living>,
    pub(super) observer: Observer,
    /// How many events the fleet has handled.
    pub(super) handled: u64,
    pub(super) stopped: bool,
    chance: Chance,
    /// How long the trial is: faults come in proportion.
    scale: Duration,
    planned: BinaryHeap<Reverse<Planned>>,
    sequence: u64,
    outage_until: Time,
    bad_release_until: Time,
    suspended_until: Time,
    healed: bool,
}

impl World {
    pub(super) fn new(seed: u64, settings: FleetSettings, scale: Duration) -> Self {
        let observer = Observer::new(settings.clone());
        let (fleet, commands) = Fleet::start(Time::ZERO, settings);
        let mut world = Self {
            fleet,
            now: Time::ZERO,
            living: BTreeMap::new(),
            observer,
            handled: 0,
            stopped: false,
            chance: Chance::new(seed),
            scale,
            planned: BinaryHeap::new(),
            sequence: 0,
            outage_until: Time::ZERO,
            bad_release_until: Time::ZERO,
            suspended_until: Time::ZERO,
            healed: false,
        };
        world.execute(commands);
        world.plan(SAMPLE_INTERVAL, Happening::SampleMemory);
        world
    }

    /// Lets this happen after a time.
    pub(super) fn plan(&mut self, wait: Duration, happening: Happening) {
        self.sequence += 1;
        self.planned.push(Reverse(Planned(self.now + wait, self.sequence, happening)));
    }

    /// Lets time pass, up to this point.
    pub(super) fn run_to(&mut self, end: Time) {
        while !self.stopped {
            let planned = self.planned.peek().map(|Reverse(planned)| planned.0);
            // A host that was suspended handles events before it acts on deadlines.
            let deadline = self.fleet.deadline().map(|due| due.max(self.suspended_until));
            let Some(next) = planned.into_iter().chain(deadline).min().filter(|next| *next <= end) else {
                break;
            };
            self.now = self.now.max(next).max(self.suspended_until);
            if planned.is_some_and(|due| due <= self.now) {
                let Some(Reverse(Planned(due, _, happening))) = self.planned.pop() else { break };
                self.happen(due, happening);
            } else {
                self.handle(FleetEvent::Elapsed);
            }
        }
        self.now = self.now.max(end);
    }

    pub(super) fn is_outage(&self) -> bool {
        self.now < self.outage_until
    }

    fn happen(&mut self, due: Time, happening: Happening) {
        match happening {
            Happening::Fleet(FleetEvent::Exited { id, exit }) => {
                if self.living.get(&id).is_some_and(|it| it.has_process) {
                    self.exit(id, exit);
                }
            }
            Happening::Fleet(event) => self.handle(event),
            Happening::Answer { id, check, started, finding } => {
                self.answer(due, id, check, started, finding);
            }
            Happening::Fault(id, fault) if !self.healed => self.fault(id, fault),
            Happening::Fault(..) => {}
            Happening::Outage(until) => {
                self.outage_until = until;
                self.observer.outage_begins(until);
            }
            Happening::BadRelease(until) => self.bad_release_until = until,
            Happening::Suspend(time) => self.suspended_until = self.now + time,
            Happening::SampleMemory => {
                self.sample_memory();
                self.plan(SAMPLE_INTERVAL, Happening::SampleMemory);
            }
            Happening::Heal => self.healed = true,
        }
    }

    pub(super) fn handle(&mut self, event: FleetEvent) {
        self.handled += 1;
        match event {
            FleetEvent::Restart => self.observer.restart_requested(),
            FleetEvent::Scale(_) => self.observer.scaled(),
            FleetEvent::Stop => self.observer.host_stops(),
            _ => {}
        }
        let commands = self.fleet.handle(self.now, event);
        self.execute(commands);
        self.observer.assert_invariants(self.now, &self.living);
    }

    fn exit(&mut self, id: RunnerId, exit: Exit) {
        if let Some(living) = self.living.get_mut(&id) {
            living.has_process = false;
        }
        self.handle(FleetEvent::Exited { id, exit });
    }

    /// A check ends. A host that was suspended meanwhile finds that its deadline has passed, and knows of its own lag.
    fn answer(&mut self, due: Time, id: RunnerId, check: Check, started: Time, mut finding: Finding) {
        let expected = self.living.get_mut(&id).and_then(|living| living.check.take_if(|it| *it == check.id));
        if expected.is_none() {
            return;
        }
        finding.host_lag = self.now.since(due);
        if self.now.since(started) > check.timeout {
            finding.answer = Outcome::Failure(Failure::Timeout);
        }
        self.handle(FleetEvent::CheckFinished { id, check: check.id, finding });
    }

    fn fault(&mut self, id: RunnerId, fault: Fault) {
        let now = self.now;
        let Some(living) = self.living.get_mut(&id).filter(|it| it.has_process && !it.is_ending()) else {
            return;
        };
        living.fault = Some((fault, now));
        match fault {
            Fault::Crash => self.exit(id, Exit::Signal(11)),
            Fault::FailManualCheck => self.handle(FleetEvent::ManualRequested { id }),
            Fault::RequestStop => self.handle(FleetEvent::StopRequested { id }),
            Fault::RefuseConnections => self.handle(FleetEvent::Unreachable { id, refused: String::new() }),
            Fault::Hang | Fault::FailChecks | Fault::Flap | Fault::Wedge | Fault::Stall | Fault::Leak => {}
        }
    }

    fn sample_memory(&mut self) {
        let leaking = self.living.iter().filter(|(_, it)| it.has_process).map(|(id, it)| {
            let leak = it.fault.filter(|(fault, _)| *fault == Fault::Leak);
            let minutes = leak.map_or(0, |(_, since)| self.now.since(since).as_secs() / 60);
            (*id, MEMORY + minutes * LEAK_PER_MINUTE)
        });
        for (id, bytes) in leaking.collect::<Vec<_>>() {
            self.handle(FleetEvent::MemoryMeasured { id, bytes });
        }
    }

    /// What a check of a runner will find, and when.
    fn find(&mut self, id: RunnerId, check: Check) -> (Duration, Finding) {
        let quick = millis(2) + within(&mut self.chance, millis(50));
        let pass = Finding { canary: Some(Duration::ZERO), ..Finding::from(Outcome::Pass) };
        if self.is_outage() {
            return (quick, Finding::from(Outcome::Failure(Failure::Status(503))));
        }
        let fault = self.living.get(&id).and_then(|living| living.fault);
        match fault {
            Some((Fault::Hang, _)) => (check.timeout, Finding::from(Outcome::Failure(Failure::Timeout))),
            Some((Fault::FailChecks | Fault::FailManualCheck, _)) => (quick, FAILED.into()),
            Some((Fault::Flap, _)) if self.chance.one_in(2) => (quick, FAILED.into()),
            Some((Fault::Wedge, _)) => (quick, Finding { is_wedged: true, ..pass }),
            Some((Fault::Stall, since)) => (quick, Finding { canary: Some(self.now.since(since)), ..pass }),
            _ => (quick, pass),
        }
    }

    fn execute(&mut self, commands: Vec<FleetCommand>) {
        for command in commands {
            assert!(!self.stopped, "nothing follows the end");
            self.observer.observe(self.now, &command, &mut self.living);
            match command {
                FleetCommand::Launch(id, index) => self.launch(id, index.get()),
                FleetCommand::LimitRequests(id, _) => {
                    let serves_for = self.living[&id].life.serves_for;
                    self.plan(serves_for, Happening::Fleet(FleetEvent::RequestsReached { id }));
                }
                FleetCommand::Unroute(id) => {
                    let drains_in = self.living[&id].life.drains_in;
                    self.plan(drains_in, Happening::Fleet(FleetEvent::Drained { id }));
                }
                FleetCommand::Terminate(id) => {
                    let stops_in = self.living[&id].life.stops_in;
                    let exited = FleetEvent::Exited { id, exit: Exit::Status(0) };
                    self.plan(stops_in, Happening::Fleet(exited));
                }
                FleetCommand::Kill(id) => {
                    let dies_in = self.living[&id].life.dies_in;
                    self.plan(dies_in, Happening::Fleet(FleetEvent::Exited { id, exit: Exit::Signal(9) }));
                }
                FleetCommand::StartCheck(id, check) => {
                    let (wait, finding) = self.find(id, check);
                    let started = self.now;
                    self.plan(wait, Happening::Answer { id, check, started, finding });
                }
                FleetCommand::Stopped => self.stopped = true,
                _ => {}
            }
        }
    }

    fn launch(&mut self, id: RunnerId, index: usize) {
        let mut life = if self.healed {
            Life::good(&mut self.chance)
        } else {
            Life::random(&mut self.chance, self.scale)
        };
        if self.now < self.bad_release_until || self.is_outage() {
            life.setup = Setup::FailsAfter(seconds(2));
        }
        let mut living = Living::new(life, index, self.now);
        living.has_process = life.setup != Setup::CannotLaunch;
        self.living.insert(id, living);
        let launched = FleetEvent::Launched { id, pid: u32::try_from(id.get()).ok(), started: self.now };
        match life.setup {
            Setup::CannotLaunch => {
                let error = "no such file".to_owned();
                self.plan(Duration::ZERO, Happening::Fleet(FleetEvent::LaunchFailed { id, error }));
            }
            Setup::Takes(time) => {
                self.plan(Duration::ZERO, Happening::Fleet(launched));
                self.plan(time, Happening::Fleet(FleetEvent::Ready { id }));
                if let Some((after, fault)) = life.fault {
                    self.plan(time + after, Happening::Fault(id, fault));
                }
            }
            Setup::FailsAfter(time) => {
                self.plan(Duration::ZERO, Happening::Fleet(launched));
                self.plan(
                    time,
                    Happening::Fleet(FleetEvent::SetupFailed { id, error: "no model".to_owned() }),
                );
                self.plan(time, Happening::Fleet(FleetEvent::Exited { id, exit: Exit::Status(1) }));
            }
            Setup::Hangs => self.plan(Duration::ZERO, Happening::Fleet(launched)),
        }
    }
}
