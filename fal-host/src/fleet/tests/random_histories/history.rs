//! One random history of a fleet. It keeps what it expects from the fleet's commands alone, as far as possible.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fal_health::{Check, CheckEffect, CheckRecord, Time, Trigger};

use super::super::chance::Chance;
use super::settings;
use crate::fleet::{EventKind, Fleet, FleetCommand, FleetEvent, FleetSettings, Reason, ReplacementStrategy};
use crate::id::RunnerId;

/// One runner, as the fleet's commands show it.
#[derive(Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each records one command")]
pub(super) struct Seen {
    pub(super) has_process: bool,
    pub(super) was_ready: bool,
    pub(super) passed: bool,
    pub(super) was_routed: bool,
    pub(super) routed: bool,
    pub(super) dispatched_last: bool,
    pub(super) terminated_for: Option<Reason>,
    pub(super) healthy_since: Option<Time>,
    pub(super) killed: bool,
    pub(super) check: Option<Check>,
    pub(super) stale: Option<Check>,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct History {
    pub(super) chance: Chance,
    pub(super) settings: FleetSettings,
    pub(super) fleet: Fleet,
    pub(super) now: Time,
    pub(super) seen: BTreeMap<RunnerId, Seen>,
    pub(super) ended: BTreeSet<RunnerId>,
    /// The launches in flight, and when each began.
    pub(super) launching: BTreeMap<RunnerId, Time>,
    /// The replicas that are being replaced because of periodic checks (S40).
    pub(super) replacing: BTreeSet<usize>,
    pub(super) replica_of: BTreeMap<RunnerId, usize>,
    /// The runners whose failure may abort the rolling restart: those that it has started.
    pub(super) restart_successors: BTreeSet<RunnerId>,
    pub(super) was_scaled: bool,
    /// How many rolling restarts were requested whose end was not told.
    pub(super) restarts: u32,
    pub(super) stopping: bool,
    pub(super) stopped: bool,
    /// Every runner behaves well from now on.
    pub(super) well_behaved: bool,
    /// Print each event.
    pub(super) traced: bool,
    /// The kinds of events that were published.
    pub(super) kinds: BTreeSet<&'static str>,
}

impl History {
    pub(super) fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let settings = settings::random(&mut chance);
        let (fleet, commands) = Fleet::start(Time::ZERO, settings.clone());
        let mut history = Self {
            chance,
            settings,
            fleet,
            now: Time::ZERO,
            seen: BTreeMap::new(),
            ended: BTreeSet::new(),
            launching: BTreeMap::new(),
            replacing: BTreeSet::new(),
            replica_of: BTreeMap::new(),
            restart_successors: BTreeSet::new(),
            was_scaled: false,
            restarts: 0,
            stopping: false,
            stopped: false,
            well_behaved: false,
            traced: false,
            kinds: BTreeSet::new(),
        };
        history.observe(commands);
        history.assert_invariants();
        history
    }

    pub(super) fn handle(&mut self, event: FleetEvent) {
        if self.traced {
            println!("{:?} {event:?}", self.now);
        }
        match &event {
            FleetEvent::Exited { id, .. } => self.of(*id).has_process = false,
            FleetEvent::CheckFinished { id, check, .. } => {
                self.of(*id).check.take_if(|asked| asked.id == *check);
            }
            FleetEvent::Stop | FleetEvent::Kill => self.stopping = true,
            FleetEvent::Restart => self.restarts += 1,
            FleetEvent::Scale(_) => self.was_scaled = true,
            _ => {}
        }
        let restart = self.fleet.rolling_restart.as_ref();
        self.restart_successors = restart.map_or_else(BTreeSet::new, |it| it.successors.clone());
        let commands = self.fleet.handle(self.now, event);
        self.observe(commands);
    }

    fn observe(&mut self, commands: Vec<FleetCommand>) {
        for runner in self.fleet.runners.values() {
            self.replica_of.insert(runner.id, runner.replica.0);
        }
        let awaits_first_pass = self.settings.awaits_first_pass();
        let (now, periodic) = (self.now, self.settings.has_periodic_checks());
        let mut launched = Vec::new();
        for command in commands {
            assert!(!self.stopped, "nothing follows the end");
            match command {
                FleetCommand::Launch(id, index) => {
                    assert_eq!(self.replica_of.get(&id).copied().unwrap_or(index.get()), index.get());
                    assert!(!self.stopping, "a host that stops starts nothing (S41)");
                    assert!(self.seen.insert(id, Seen::default()).is_none(), "{id} is started once");
                    launched.push(id);
                }
                FleetCommand::GiveUp(_) => {
                    assert!(self.seen.values().all(|seen| !seen.routed), "no runner takes requests (S48a)");
                    self.stopping = true;
                }
                FleetCommand::RestartEnded(_) => {
                    assert!(self.restarts > 0, "an end that is told was requested");
                    self.restarts = 0;
                }
                FleetCommand::Stopped => {
                    assert_eq!(self.restarts, 0, "a caller that waits for a restart is told its end (S52c)");
                    self.stopped = true;
                }
                FleetCommand::Emit(id, kind) => self.on_published(id, kind),
                FleetCommand::Route(id) => {
                    let seen = self.of(id);
                    assert!(seen.has_process && !seen.was_routed);
                    assert!(seen.passed || !awaits_first_pass, "the first pass admits a runner (S44b)");
                    (seen.was_ready, seen.was_routed, seen.routed) = (true, true, true);
                    if seen.passed || !periodic {
                        seen.healthy_since.get_or_insert(now);
                    }
                }
                FleetCommand::LimitRequests(id, _) => assert!(self.of(id).routed),
                FleetCommand::Unroute(id) => {
                    let seen = self.of(id);
                    assert!(std::mem::take(&mut seen.routed));
                    assert!(
                        seen.check.is_none(),
                        "{id} leaves the rotation without a check in flight (S21b)"
                    );
                }
                FleetCommand::DispatchLast(id) => {
                    let seen = self.of(id);
                    assert!(seen.routed && !std::mem::replace(&mut seen.dispatched_last, true));
                }
                FleetCommand::DispatchNormally(id) => {
                    let seen = self.of(id);
                    assert!(seen.routed && std::mem::take(&mut seen.dispatched_last));
                }
                FleetCommand::Terminate(id) => {
                    let seen = self.of(id);
                    assert!(
                        seen.has_process && !seen.routed && seen.terminated_for.is_none() && !seen.killed
                    );
                    assert!(seen.check.is_none(), "{id} is told to stop without a check in flight (S21b)");
                }
                FleetCommand::Kill(id) => {
                    let seen = self.of(id);
                    assert!(seen.has_process && !seen.routed && !seen.killed);
                    seen.killed = true;
                }
                FleetCommand::StartCheck(id, check) => {
                    let seen = self.of(id);
                    assert!(
                        seen.routed || seen.was_ready && !seen.was_routed,
                        "checked in service only (S11)"
                    );
                    assert!(seen.check.is_none(), "one at a time (S13)");
                    assert!(seen.stale.is_none_or(|stale| stale.id < check.id), "a fresh id (S21)");
                    (seen.check, seen.stale) = (Some(check), Some(check));
                }
                FleetCommand::CancelCheck(id) => assert!(self.of(id).check.take().is_some()),
                FleetCommand::ReleasePermits(id) | FleetCommand::ManualCheckEnded(id) => {
                    assert_eq!(self.of(id).stale.unwrap().trigger, Trigger::Manual);
                }
                FleetCommand::Forget(id) => assert!(!self.of(id).routed && self.ended.contains(&id)),
            }
        }
        for id in launched {
            if !self.fleet.wants_launch(id) {
                self.seen.remove(&id);
                self.handle(FleetEvent::LaunchDropped { id });
            } else if !self.well_behaved && self.chance.one_in(2) {
                self.launching.insert(id, self.now);
            } else {
                self.finish_launch(id, self.now);
            }
        }
    }

    pub(super) fn of(&mut self, id: RunnerId) -> &mut Seen {
        self.seen.get_mut(&id).unwrap()
    }

    fn on_published(&mut self, id: RunnerId, kind: EventKind) {
        self.kinds.insert(kind_name(&kind));
        match kind {
            EventKind::Terminating { reason, .. } => {
                self.of(id).terminated_for = Some(reason);
                if reason == Reason::Unhealthy && self.of(id).was_routed && !self.has_relief(id) {
                    self.replacing.insert(self.replica_of[&id]);
                }
            }
            EventKind::StandsBy { .. } => {
                let now = self.now;
                let is_healthy = self.of(id).passed || !self.settings.has_periodic_checks();
                self.of(id).was_ready = true;
                self.of(id).healthy_since = is_healthy.then_some(now);
            }
            EventKind::Promoted { replaces } => {
                // The rotation has another runner for the one that left it.
                self.replacing.remove(&replaces);
                self.of(id).was_routed = false;
            }
            EventKind::AwaitingFirstPass { .. } => self.of(id).was_ready = true,
            EventKind::Draining {
                reason: Reason::Restarted | Reason::Memory | Reason::Age | Reason::Requests,
                ..
            } => {
                self.assert_has_healthy_successor(id);
            }
            EventKind::Checked(record) if record.effect == CheckEffect::Passed => {
                let now = self.now;
                let seen = self.of(id);
                seen.healthy_since.get_or_insert(now);
                seen.passed = true;
                // A runner is stable from its first pass on (S35e), which ends its replacement (S40b).
                if self.settings.has_periodic_checks() {
                    self.replacing.remove(&self.replica_of[&id]);
                }
            }
            EventKind::Checked(CheckRecord { effect: CheckEffect::Counted { .. }, .. }) => {
                self.of(id).healthy_since = None;
            }
            EventKind::RestartAborted { .. } => {
                assert!(self.restart_successors.contains(&id), "{id} is the restart's own successor (S35g)");
            }
            EventKind::Terminated(record) => {
                assert!(self.ended.insert(id), "{id} leaves one record (S36)");
                let seen = &self.seen[&id];
                match seen.terminated_for {
                    Some(reason) => assert_eq!(record.reason, reason, "the first reason wins (S36)"),
                    None if seen.killed => {}
                    None if seen.was_ready => assert_eq!(record.reason, Reason::Exited),
                    None => assert_eq!(record.reason, Reason::SetupFailed),
                }
            }
            _ => {}
        }
    }

    /// Asserts that a runner that a start-first restart drains has a successor that has been healthy for long enough. A
    /// successor that a new restart replaces has none.
    fn assert_has_healthy_successor(&self, old: RunnerId) {
        let replica = self.replica_of[&old];
        let is_proven = |(id, seen): (&RunnerId, &Seen)| {
            let since =
                seen.healthy_since.filter(|_| seen.routed && self.replica_of[id] == replica && *id != old);
            since.is_some_and(|since| since + self.settings.min_healthy <= self.now)
        };
        let is_start_first = self.settings.replacement_strategy == ReplacementStrategy::StartFirst;
        assert!(
            !is_start_first || self.is_superseded(old) || self.seen.iter().any(is_proven),
            "{old} is drained for a healthy successor (S52a)"
        );
    }

    /// Whether the end of a runner is no replacement, or the end of one: it is a successor and the old runner stays (S40c), or
    /// its own successor has passed (S40b).
    fn has_relief(&self, ended: RunnerId) -> bool {
        let replica = self.replica_of[&ended];
        self.seen.iter().any(|(id, seen)| {
            let stays = seen.has_process && !seen.killed && seen.terminated_for.is_none();
            let is_member = self.replica_of[id] == replica && stays && (seen.routed || !seen.was_routed);
            is_member && (*id < ended || *id > ended && seen.passed)
        })
    }

    /// Whether another runner of the same replica, which is older, stays in the rotation.
    fn is_superseded(&self, id: RunnerId) -> bool {
        let older = self.seen.range(..id);
        older.into_iter().any(|(it, seen)| seen.routed && self.replica_of[it] == self.replica_of[&id])
    }

    /// Lets time pass and handles every deadline in it.
    pub(super) fn advance(&mut self, time: Duration) {
        self.now = self.now + time;
        for _ in 0..100 {
            if self.fleet.deadline().is_none_or(|due| due > self.now) {
                return;
            }
            self.handle(FleetEvent::Elapsed);
            self.assert_invariants();
        }
        panic!("the deadline never moves past {:?}", self.now);
    }
}

fn kind_name(kind: &EventKind) -> &'static str {
    match kind {
        EventKind::Started { .. } => "started",
        EventKind::AwaitingFirstPass { .. } => "awaiting first pass",
        EventKind::Ready { .. } => "ready",
        EventKind::StandsBy { .. } => "stands by",
        EventKind::Promoted { .. } => "promoted",
        EventKind::Checked(_) => "checked",
        EventKind::ReplacementDeferred { .. } => "deferred",
        EventKind::Draining { .. } => "draining",
        EventKind::Terminating { .. } => "terminating",
        EventKind::Killed => "killed",
        EventKind::Abandoned => "abandoned",
        EventKind::KillOutlived => "kill outlived",
        EventKind::Terminated(_) => "terminated",
        EventKind::BackoffStarted { .. } => "backoff started",
        EventKind::GaveUp(_) => "gave up",
        EventKind::BackoffEnded => "backoff ended",
        EventKind::ReplacementDue { .. } => "replacement due",
        EventKind::LimitTooLow { .. } => "limit too low",
        EventKind::RestartCompleted { .. } => "restart completed",
        EventKind::RestartAborted { .. } => "restart aborted",
        EventKind::Progress(_) => "progress",
        EventKind::Stalled { .. } => "stalled",
        EventKind::Paused { .. }
        | EventKind::Resumed { .. }
        | EventKind::UpgradeStarted { .. }
        | EventKind::UpgradeCompleted { .. }
        | EventKind::UpgradeFailed { .. } => "host",
    }
}
