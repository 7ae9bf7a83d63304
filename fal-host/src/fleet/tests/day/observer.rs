//! What must hold in a day of a fleet, told from its commands alone.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::num::NonZeroUsize;
use std::time::Duration;

use fal_health::{CheckEffect, Time};

use super::super::simulation::{millis, seconds};
use super::life::{Living, Setup};
use crate::fleet::{EventKind, FleetCommand, FleetSettings, MAX_RECORDS, Reason, RunnerRecord};
use crate::id::RunnerId;

const HOUR: Duration = seconds(3600);

/// How often a replica may start in an hour: while its starts fail, 7 times in the first minute and then every 48 s or
/// more (S35d).
const STARTS_PER_HOUR: usize = 90;

/// How late the host may be by the suspensions of a trial.
const LATENESS: Duration = seconds(35);

/// One replica, as the commands show it.
#[derive(Clone, Debug, Default)]
struct Place {
    /// The runners that do not end yet: the current one and its successor.
    members: BTreeSet<RunnerId>,
    routed: usize,
    starts: VecDeque<Time>,
}

/// What happened in the whole day.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) events: u64,
    pub(super) starts: u64,
    pub(super) checks: u64,
    pub(super) ends: BTreeMap<&'static str, u64>,
    pub(super) deferrals: u64,
    pub(super) backoffs: u64,
    pub(super) kills: u64,
    pub(super) outlived: u64,
    pub(super) restarts_completed: u64,
    pub(super) restarts_aborted: u64,
    pub(super) most_replacing: usize,
    pub(super) most_starts_an_hour: usize,
    pub(super) promotions: u64,
    pub(super) fewest_serving: usize,
}

pub(super) struct Observer {
    settings: FleetSettings,
    places: Vec<Place>,
    /// Replicas that are being replaced because of periodic checks (S40).
    replacing: BTreeSet<usize>,
    /// Replicas that have a successor beside their current runner.
    doubled: BTreeSet<usize>,
    serving: usize,
    records: usize,
    last_outage: Option<Time>,
    restarts_requested: u64,
    was_scaled: bool,
    stopping: bool,
    pub(super) all_served_once: bool,
    pub(super) tally: Tally,
}

impl Observer {
    pub(super) fn new(settings: FleetSettings) -> Self {
        let places = vec![Place::default(); settings.runners.get()];
        Self {
            settings,
            places,
            replacing: BTreeSet::new(),
            doubled: BTreeSet::new(),
            serving: 0,
            records: 0,
            last_outage: None,
            restarts_requested: 0,
            was_scaled: false,
            stopping: false,
            all_served_once: false,
            tally: Tally { fewest_serving: usize::MAX, ..Tally::default() },
        }
    }

    pub(super) fn outage_begins(&mut self, until: Time) {
        self.last_outage = Some(until);
    }

    pub(super) fn restart_requested(&mut self) {
        self.restarts_requested += 1;
    }

    pub(super) fn scaled(&mut self) {
        self.was_scaled = true;
    }

    pub(super) fn host_stops(&mut self) {
        self.stopping = true;
    }

    /// How many replicas have a runner in the rotation.
    pub(super) fn serving(&self) -> usize {
        self.serving
    }

    fn bound(&self) -> usize {
        self.settings.max_replacing.of(self.settings.runners).map_or(usize::MAX, NonZeroUsize::get)
    }

    /// What holds after each event.
    pub(super) fn assert_invariants(&mut self, now: Time, living: &BTreeMap<RunnerId, Living>) {
        let replacing = self.replacing.union(&self.doubled).count();
        assert!(
            self.replacing.len() <= self.bound(),
            "{now:?}: {} are being replaced (S40)",
            self.replacing.len()
        );
        // A replacement at a limit does not defer that of an unhealthy runner. A rolling restart has one successor beside those.
        assert!(
            replacing <= 2 * self.bound() + 1,
            "{now:?}: {replacing} replicas are being replaced (S40, S54c)"
        );
        assert!(self.records <= MAX_RECORDS, "(S36d)");
        assert!(living.len() <= 3 * self.places.len(), "{} runners live", living.len());
        self.tally.most_replacing = self.tally.most_replacing.max(replacing);
        self.all_served_once |= self.serving >= self.settings.runners.get();
        if self.all_served_once && !self.stopping {
            self.tally.fewest_serving = self.tally.fewest_serving.min(self.serving);
        }
    }

    pub(super) fn observe(
        &mut self,
        now: Time,
        command: &FleetCommand,
        living: &mut BTreeMap<RunnerId, Living>,
    ) {
        match command {
            FleetCommand::Launch(id, index) => self.launched(now, *id, index.get(), living),
            FleetCommand::Route(id) => {
                let it = of(living, *id);
                assert!(
                    it.has_process && it.passed && !it.was_routed,
                    "the first pass admits a runner (S44b)"
                );
                (it.routed, it.was_routed) = (true, true);
                let place = &mut self.places[it.index];
                place.routed += 1;
                self.serving += usize::from(place.routed == 1);
                assert!(place.routed <= 2, "a replica serves by its runner and its successor");
            }
            FleetCommand::Unroute(id) => {
                let it = of(living, *id);
                assert!(std::mem::take(&mut it.routed));
                let place = &mut self.places[it.index];
                place.routed -= 1;
                self.serving -= usize::from(place.routed == 0);
            }
            FleetCommand::Terminate(id) => {
                let it = of(living, *id);
                assert!(it.has_process && !it.routed && !it.killed, "SIGTERM comes first (S33)");
            }
            FleetCommand::Kill(id) => {
                let it = of(living, *id);
                let (told, _) = it.terminated.expect("SIGKILL follows SIGTERM (S33c)");
                let waited = now.since(told);
                let grace = self.settings.grace_period;
                assert!(it.has_process && !it.killed);
                assert!(
                    (grace..=grace + LATENESS).contains(&waited),
                    "{id} is killed after {waited:?} (S33c)"
                );
                it.killed = true;
                self.tally.kills += 1;
            }
            FleetCommand::StartCheck(id, check) => {
                let it = of(living, *id);
                assert!(
                    !it.is_ending() && it.check.is_none(),
                    "one check at a time, and none at the end (S11, S13)"
                );
                it.check = Some(check.id);
                self.tally.checks += 1;
            }
            FleetCommand::CancelCheck(id) => assert!(of(living, *id).check.take().is_some()),
            FleetCommand::Forget(id) => {
                let it = living.remove(id).expect("each runner is forgotten once");
                assert!(!it.routed);
            }
            FleetCommand::RestartEnded(_) => {
                assert!(self.restarts_requested > 0, "a restart that ends was requested");
            }
            FleetCommand::GiveUp(gave_up) => {
                panic!("{now:?}: a fleet that serves does not give up: {gave_up}")
            }
            FleetCommand::Emit(id, kind) => self.published(now, *id, kind, living),
            _ => {}
        }
    }

    fn launched(&mut self, now: Time, id: RunnerId, index: usize, living: &BTreeMap<RunnerId, Living>) {
        assert!(!self.stopping, "a host that stops starts nothing (S41)");
        assert!(!living.contains_key(&id), "{id} starts once");
        self.places.resize(self.places.len().max(index + 1), Place::default());
        let place = &mut self.places[index];
        place.members.insert(id);
        assert!(place.members.len() <= 2, "replica {index} has a current runner and a successor (S47a)");
        if place.members.len() == 2 {
            self.doubled.insert(index);
        }
        place.starts.push_back(now);
        while place.starts.front().is_some_and(|start| now.since(*start) > HOUR) {
            place.starts.pop_front();
        }
        let starts = place.starts.len();
        assert!(starts <= STARTS_PER_HOUR, "replica {index} has started {starts} times in an hour (S35d)");
        self.tally.most_starts_an_hour = self.tally.most_starts_an_hour.max(starts);
        self.tally.starts += 1;
    }

    fn leave(&mut self, id: RunnerId, index: usize) {
        let place = &mut self.places[index];
        place.members.remove(&id);
        if place.members.len() < 2 {
            self.doubled.remove(&index);
        }
    }

    fn published(
        &mut self,
        now: Time,
        id: RunnerId,
        kind: &EventKind,
        living: &mut BTreeMap<RunnerId, Living>,
    ) {
        match kind {
            EventKind::Checked(record) if record.effect == CheckEffect::Passed => {
                let it = of(living, id);
                it.passed = true;
                self.replacing.remove(&it.index);
            }
            EventKind::Draining { reason, .. } => {
                let it = of(living, id);
                assert!(it.routed, "a runner drains that takes requests (S33d)");
                it.drained_since = Some(now);
                let index = it.index;
                assert!(
                    self.stopping
                        || matches!(reason, Reason::Requested | Reason::ScaledDown)
                        || self.places[index].routed == 2,
                    "{now:?}: {id} drains for a healthy successor (S52a, S54c): {reason}"
                );
                self.leave(id, index);
            }
            EventKind::Terminating { reason, .. } => {
                let it = of(living, id);
                it.terminated = Some((now, *reason));
                if let Some(since) = it.drained_since {
                    let drained = now.since(since);
                    assert!(
                        drained <= self.settings.drain_timeout + LATENESS,
                        "{id} drains for {drained:?} (S33d)"
                    );
                }
                let (index, was_routed) = (it.index, it.was_routed);
                self.leave(id, index);
                // No replacement is the end of a successor whose old runner stays (S40c). With a successor that has passed,
                // it is over as it begins (S40b).
                let mut members = self.places[index].members.iter();
                let has_relief = members.any(|other| *other < id || living[other].passed);
                if *reason == Reason::Unhealthy && was_routed && !has_relief {
                    self.replacing.insert(index);
                }
            }
            EventKind::Promoted { replaces } => {
                // The rotation is whole again, so the replacement is complete (S75c).
                self.replacing.remove(replaces);
                self.tally.promotions += 1;
            }
            EventKind::Terminated(record) => self.ended(now, record, living),
            EventKind::ReplacementDeferred { .. } => self.tally.deferrals += 1,
            EventKind::BackoffStarted { .. } => self.tally.backoffs += 1,
            EventKind::Abandoned => self.tally.outlived += 1,
            EventKind::RestartCompleted { .. } => self.tally.restarts_completed += 1,
            EventKind::RestartAborted { .. } => self.tally.restarts_aborted += 1,
            _ => {}
        }
    }

    fn ended(&mut self, now: Time, record: &RunnerRecord, living: &mut BTreeMap<RunnerId, Living>) {
        let it = *of(living, record.id);
        assert_eq!(record.index, it.index, "a runner keeps its index (S47a)");
        self.leave(record.id, it.index);
        if let Some((_, reason)) = it.terminated {
            assert_eq!(record.reason, reason, "the first reason wins (S36b)");
        }
        assert!(self.explains(now, &it, record.reason), "{now:?}: no fault explains {record:?} of {it:?}");
        *self.tally.ends.entry(record.reason.name()).or_default() += 1;
        self.records = (self.records + 1).min(MAX_RECORDS);
    }

    /// Whether something was done to a runner for which it may end so.
    fn explains(&self, now: Time, it: &Living, reason: Reason) -> bool {
        let age = now.since(it.started);
        let near = |limit: Duration| age + millis(1) >= limit.mul_f64(0.9);
        // A check fails up to its timeout later, and the replacement may have waited for others.
        let outage =
            self.last_outage.is_some_and(|until| it.started < until && now.since(until) < seconds(120));
        let is_faulty = it.fault.is_some_and(|(fault, _)| fault.explains(reason));
        match reason {
            Reason::SetupFailed => matches!(it.life.setup, Setup::FailsAfter(_) | Setup::CannotLaunch),
            Reason::StartupTimeout => it.life.setup == Setup::Hangs,
            Reason::Unhealthy | Reason::ManualCheckFailed => is_faulty || outage,
            Reason::Age => self.settings.limits.age.is_some_and(near),
            Reason::Requests => near(it.life.serves_for),
            Reason::Restarted => self.restarts_requested > 0,
            Reason::RestartAborted => self.tally.restarts_aborted > 0,
            Reason::ScaledDown => self.was_scaled,
            Reason::Stopped => self.stopping,
            _ => is_faulty,
        }
    }
}

fn of(living: &mut BTreeMap<RunnerId, Living>, id: RunnerId) -> &mut Living {
    living.get_mut(&id).unwrap_or_else(|| panic!("{id} lives"))
}
