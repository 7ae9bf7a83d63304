//! Fleets to which anything happens, in any order: after each of it the rules hold, and when it stops, all is well again.
//!
//! What is expected is kept here anew, from the commands alone, as far as it can be; a seed that fails is printed.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::time::Duration;

use fal_health::{Check, Failure, HealthCheck, Inconclusive, Outcome, Time, Trigger, Verdict};

use super::simulation::{FAILED, millis, seconds};
use crate::RunnerId;
use crate::fleet::runner::Phase;
use crate::fleet::{
    EventKind, Exit, Fleet, FleetCommand, FleetEvent, FleetSettings, Reason, ReplacementStrategy,
};

const LAGGED: Outcome = Outcome::Inconclusive(Inconclusive::HostLag(Failure::Timeout));
const COULD_NOT_ASK: Outcome = Outcome::Inconclusive(Inconclusive::CouldNotAsk);

/// `SplitMix64`.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(bound).unwrap()).unwrap()
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

/// One runner, as its commands show it.
#[derive(Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that was seen")]
struct Seen {
    has_process: bool,
    was_ready: bool,
    routed: bool,
    told_to_stop: Option<Reason>,
    killed: bool,
    check: Option<Check>,
    stale: Option<Check>,
}

struct Life {
    chance: Chance,
    settings: FleetSettings,
    fleet: Fleet,
    now: Time,
    seen: BTreeMap<RunnerId, Seen>,
    ended: BTreeSet<RunnerId>,
    /// The places in which a periodic verdict is being acted on (S40).
    replacing: BTreeSet<usize>,
    place_of: BTreeMap<RunnerId, usize>,
    stopping: bool,
    stopped: bool,
    /// Nothing bad happens any more.
    calm: bool,
    /// What has happened at all.
    kinds: BTreeSet<&'static str>,
}

fn settings(chance: &mut Chance) -> FleetSettings {
    let runners = NonZeroUsize::new(1 + chance.below(4)).unwrap();
    let health = HealthCheck::new()
        .start_period_seconds(chance.of(&[0, 20]))
        .failure_threshold(chance.of(&[1, 2, 3]))
        .call_regularly(!chance.one_in(4));
    FleetSettings {
        health: (!chance.one_in(8)).then_some(health),
        startup_timeout: chance.of(&[None, Some(seconds(10))]),
        check_interval: seconds(1),
        replacement_strategy: chance.of(&[ReplacementStrategy::StartFirst, ReplacementStrategy::StopFirst]),
        max_replacing: chance.of(&[None, NonZeroUsize::new(1), NonZeroUsize::new(2)]),
        seed: 1,
        ..FleetSettings::new(runners)
    }
}

impl Life {
    fn new(seed: u64) -> Self {
        let mut chance = Chance(seed);
        let settings = settings(&mut chance);
        let (fleet, commands) = Fleet::start(Time::ZERO, settings.clone());
        let mut life = Self {
            chance,
            settings,
            fleet,
            now: Time::ZERO,
            seen: BTreeMap::new(),
            ended: BTreeSet::new(),
            replacing: BTreeSet::new(),
            place_of: BTreeMap::new(),
            stopping: false,
            stopped: false,
            calm: false,
            kinds: BTreeSet::new(),
        };
        life.observe(commands);
        life.inspect();
        life
    }

    fn tell(&mut self, input: FleetEvent) {
        match &input {
            FleetEvent::Exited { id, .. } => self.seen.get_mut(id).unwrap().has_process = false,
            FleetEvent::CheckFinished { id, check, outcome, .. } => {
                let place = self.place_of[id];
                let seen = self.seen.get_mut(id).unwrap();
                if seen.check.take_if(|asked| asked.id == *check).is_some() {
                    let periodic = self.settings.has_periodic_checks();
                    if *outcome == Outcome::Pass && periodic {
                        self.replacing.remove(&place);
                    }
                }
            }
            FleetEvent::Stop | FleetEvent::Kill => self.stopping = true,
            _ => {}
        }
        let commands = self.fleet.handle(self.now, input);
        self.observe(commands);
    }

    fn observe(&mut self, commands: Vec<FleetCommand>) {
        for runner in self.fleet.runners.values() {
            self.place_of.insert(runner.id, runner.replica.0);
        }
        let mut launched = Vec::new();
        for command in commands {
            assert!(!self.stopped, "nothing follows the end");
            match command {
                FleetCommand::Launch(id) => {
                    assert!(!self.stopping, "a host that stops starts nothing (S41)");
                    assert!(self.seen.insert(id, Seen::default()).is_none(), "{id} is started once");
                    launched.push(id);
                }
                FleetCommand::Stopped => self.stopped = true,
                FleetCommand::Emit(id, kind) => self.happened(id, kind),
                FleetCommand::Route(id) => {
                    let seen = self.of(id);
                    assert!(seen.has_process && !seen.was_ready);
                    (seen.was_ready, seen.routed) = (true, true);
                }
                FleetCommand::Unroute(id) => assert!(std::mem::take(&mut self.of(id).routed)),
                FleetCommand::Terminate(id) => {
                    let seen = self.of(id);
                    assert!(seen.has_process && !seen.routed && seen.told_to_stop.is_none() && !seen.killed);
                }
                FleetCommand::Kill(id) => {
                    let seen = self.of(id);
                    assert!(seen.has_process && !seen.routed && !seen.killed);
                    seen.killed = true;
                }
                FleetCommand::StartCheck(id, check) => {
                    let seen = self.of(id);
                    assert!(seen.routed, "checked in service only (S11)");
                    assert!(seen.check.is_none(), "one at a time (S13)");
                    assert!(seen.stale.is_none_or(|stale| stale.id < check.id), "a fresh id (S21)");
                    (seen.check, seen.stale) = (Some(check), Some(check));
                }
                FleetCommand::CancelCheck(id) => assert!(self.of(id).check.take().is_some()),
                FleetCommand::ReleaseSlots(id) | FleetCommand::ManualCheckEnded(id) => {
                    assert_eq!(self.of(id).stale.unwrap().trigger, Trigger::Manual);
                }
                FleetCommand::Forget(id) => assert!(!self.of(id).routed && self.ended.contains(&id)),
            }
        }
        for id in launched {
            if !self.calm && self.chance.one_in(8) {
                self.tell(FleetEvent::LaunchFailed { id, error: "none".to_owned() });
            } else {
                self.of(id).has_process = true;
                self.tell(FleetEvent::Launched { id, pid: None });
            }
        }
    }

    fn of(&mut self, id: RunnerId) -> &mut Seen {
        self.seen.get_mut(&id).unwrap()
    }

    fn happened(&mut self, id: RunnerId, kind: EventKind) {
        self.kinds.insert(kind_name(&kind));
        match kind {
            EventKind::Terminating { reason, .. } => {
                self.of(id).told_to_stop = Some(reason);
                if reason == Reason::Unhealthy {
                    self.replacing.insert(self.place_of[&id]);
                    let bound = self.settings.max_replacing.map_or(usize::MAX, NonZeroUsize::get);
                    assert!(self.replacing.len() <= bound, "not everybody at once (S40)");
                }
            }
            EventKind::Terminated(record) => {
                assert!(self.ended.insert(id), "{id} leaves one record (S36)");
                let seen = &self.seen[&id];
                match seen.told_to_stop {
                    Some(reason) => assert_eq!(record.reason, reason, "the first reason wins (S36)"),
                    None if seen.killed => {}
                    None if seen.was_ready => assert_eq!(record.reason, Reason::Exited),
                    None => assert_eq!(record.reason, Reason::SetupFailed),
                }
            }
            _ => {}
        }
    }

    /// What holds at any time.
    fn inspect(&self) {
        let fleet = &self.fleet;
        let leaves = |id: &RunnerId| {
            let phase = fleet.runners.get(id).map(|runner| runner.phase);
            matches!(
                phase,
                Some(Phase::Draining { .. } | Phase::Terminating { .. } | Phase::Killed { .. }) | None
            )
        };
        let members: Vec<_> = fleet
            .replicas
            .iter()
            .flat_map(|replica| [replica.current, replica.successor])
            .flatten()
            .collect();
        let staying: Vec<_> = fleet.runners.keys().filter(|id| !leaves(id)).copied().collect();
        for id in &staying {
            let places = members.iter().filter(|member| *member == id).count();
            assert_eq!(places, 1, "{id} belongs to one place");
        }
        assert!(
            fleet.runners.values().all(|runner| runner.timer == runner.deadline()),
            "no timer is forgotten"
        );
        if self.stopping {
            return;
        }
        assert_eq!(members.len(), staying.len(), "nobody who leaves has a place");
        let awaited = fleet.replicas.iter().filter(|replica| replica.current.is_none());
        for replica in awaited {
            assert_eq!(self.settings.replacement_strategy, ReplacementStrategy::StopFirst);
            assert!(
                replica.awaited_exit.is_some_and(|old| fleet.runners.contains_key(&old)),
                "a place is never empty"
            );
        }
        if self.settings.replacement_strategy == ReplacementStrategy::StopFirst {
            assert!(fleet.runners.len() <= fleet.replicas.len(), "one after the other (S35)");
        }
        let bound = self.settings.max_replacing.map_or(usize::MAX, NonZeroUsize::get);
        let held = self.settings.max_replacing.and_then(|_| fleet.backoff.held(self.now));
        for runner in fleet.runners.values().filter(|runner| runner.is_ready()) {
            if runner.monitor().is_some_and(|monitor| monitor.verdict() == Verdict::Unhealthy) {
                let due = fleet.deadline();
                let waits =
                    self.replacing.len() >= bound || held.is_some() || due.is_some_and(|due| due <= self.now);
                assert!(waits, "{} waits for nothing (S40)", runner.id());
                assert!(
                    held.is_none_or(|until| due.is_some_and(|due| due <= until)),
                    "the end of the backoff is a turn"
                );
            }
        }
    }

    /// Lets time pass until everything due has been seen to.
    fn wait(&mut self, time: Duration) {
        self.now = self.now + time;
        for _ in 0..100 {
            if self.fleet.deadline().is_none_or(|due| due > self.now) {
                return;
            }
            self.tell(FleetEvent::Elapsed);
            self.inspect();
        }
        panic!("it is always due, at {:?}", self.now);
    }

    fn anything(&mut self) {
        let ids: Vec<_> = self.seen.keys().copied().collect();
        let recent = ids.len().saturating_sub(8);
        let id = ids[recent + self.chance.below(ids.len() - recent)];
        let Seen { has_process, routed, check, stale, .. } = self.seen[&id];
        match self.chance.below(16) {
            0..=3 => {
                let wait = self.chance.of(&[1, 100, 1_000, 5_000, 15_000]);
                self.wait(millis(wait));
            }
            4..=6 if has_process => self.tell(FleetEvent::Ready { id }),
            7..=9 => {
                let outcomes = [Outcome::Pass, Outcome::Pass, FAILED, FAILED, FAILED, LAGGED, COULD_NOT_ASK];
                let outcome = self.chance.of(&outcomes);
                let late = self.chance.one_in(8);
                if let Some(check) = if late { stale } else { check } {
                    self.tell(FleetEvent::CheckFinished { id, check: check.id, outcome, stalled: None });
                }
            }
            10 if self.chance.one_in(3) => self.tell(FleetEvent::ManualRequested { id }),
            11 if has_process && self.chance.one_in(3) => {
                self.tell(FleetEvent::Exited { id, exit: Exit::Status(1) });
            }
            12 if has_process && !routed => self.tell(FleetEvent::Drained { id }),
            13 if self.chance.one_in(8) => self.tell(FleetEvent::Unreachable { id }),
            14 if self.chance.one_in(4) => self.tell(FleetEvent::Restart),
            15 if self.chance.one_in(100) => {
                let order = if self.chance.one_in(3) { FleetEvent::Kill } else { FleetEvent::Stop };
                self.tell(order);
            }
            _ => {}
        }
        self.inspect();
    }

    /// All do as they should, for a while.
    fn calm_down(&mut self, time: Duration) {
        self.calm = true;
        let end = self.now + time;
        while self.now < end && !self.stopped {
            let ids: Vec<_> = self.seen.keys().copied().collect();
            for id in ids {
                let seen = &self.seen[&id];
                let told = seen.told_to_stop.is_some() || seen.killed;
                let (has_process, routed, was_ready, check) =
                    (seen.has_process, seen.routed, seen.was_ready, seen.check);
                if let Some(check) = check {
                    self.tell(FleetEvent::CheckFinished {
                        id,
                        check: check.id,
                        outcome: Outcome::Pass,
                        stalled: None,
                    });
                } else if has_process && told {
                    self.tell(FleetEvent::Exited { id, exit: Exit::Status(0) });
                } else if has_process && !was_ready {
                    self.tell(FleetEvent::Ready { id });
                } else if has_process && !routed {
                    self.tell(FleetEvent::Drained { id });
                }
                self.inspect();
            }
            self.wait(millis(500));
        }
    }

    fn all_is_well(&self) {
        let routed = self.seen.values().filter(|seen| seen.routed).count();
        // What has survived SIGKILL is nobody's any more.
        let known = self.seen.iter().filter(|(id, seen)| seen.has_process && !self.ended.contains(id));
        let processes = known.count();
        if self.stopping {
            assert!(self.stopped && routed == 0 && processes == 0);
            return;
        }
        let wanted = self.settings.runners.get();
        assert_eq!((routed, processes), (wanted, wanted), "each place is filled, and nobody is left over");
        assert!(self.fleet.rolling_restart.is_none(), "a roll comes to its end");
        assert!(self.fleet.deferred.is_empty(), "nobody waits for a turn");
        assert!(self.fleet.replicas.iter().all(|replica| !replica.replacing && replica.successor.is_none()));
        assert!(self.fleet.backoff.held(self.now).is_none(), "nobody is held");
    }
}

/// How many kinds of happenings there are that these fleets can come to.
const KINDS: usize = 11;

fn kind_name(kind: &EventKind) -> &'static str {
    match kind {
        EventKind::Started { .. } => "started",
        EventKind::Ready { .. } => "ready",
        EventKind::Checked(_) => "checked",
        EventKind::ReplacementDeferred { .. } => "waits",
        EventKind::Draining { .. } => "draining",
        EventKind::Terminating { .. } => "terminating",
        EventKind::Killed => "killed",
        EventKind::Abandoned => "abandoned",
        EventKind::Terminated(_) => "terminated",
        EventKind::BackoffStarted { .. } => "held",
        EventKind::RestartAborted => "given up",
        EventKind::Progress(_) | EventKind::Stalled { .. } => "told of",
    }
}

#[test]
fn whatever_happens_in_whatever_order_the_rules_hold_and_all_is_well_in_the_end() {
    let mut kinds = BTreeSet::new();
    for seed in 0..150 {
        println!("seed {seed}");
        let mut life = Life::new(seed);
        for _ in 0..300 {
            life.anything();
        }
        life.calm_down(seconds(300));
        life.all_is_well();
        kinds.append(&mut life.kinds);
    }
    assert_eq!(kinds.len(), KINDS, "everything has happened: {kinds:?}");
}
