//! After its faults, a fleet of runners that pass becomes whole and stays whole, whatever the order of their answers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fal_health::{CheckId, Outcome, Time, Verdict};

use super::super::chance::Chance;
use super::super::simulation::{millis, seconds};
use super::history::{History, Seen};
use crate::fleet::{Exit, FleetEvent, ReplacementStrategy, RestartStatus, Runner};
use crate::id::RunnerId;

/// How long a whole fleet must stay whole.
const STAYS_WHOLE: Duration = seconds(45);

/// The longest time from one state of a replica to the next: a backoff of 72 s, a setup, a first pass, a minute until a
/// runner is stable, the minimum healthy time, a drain, the grace period, and the exit.
const ONE_REPLACEMENT: Duration = seconds(72 + 10 + 15 + 60 + 3 + 5 + 5 + 5);

/// What the fleet waits for from a runner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Answer {
    Ready,
    Pass(CheckId),
    Drained,
    Exit,
}

impl Answer {
    /// What a runner owes that behaves well.
    fn owed(seen: &Seen) -> Option<Self> {
        let was_told = seen.terminated_for.is_some() || seen.killed;
        match seen.check {
            _ if !seen.has_process => None,
            _ if was_told => Some(Self::Exit),
            Some(check) => Some(Self::Pass(check.id)),
            None if !seen.was_ready => Some(Self::Ready),
            None => (seen.was_routed && !seen.routed).then_some(Self::Drained),
        }
    }

    /// How long it may take. An exit may take longer than the grace period, and a setup nearly as long as it may.
    fn longest(self) -> Duration {
        match self {
            Self::Ready => seconds(9),
            Self::Pass(_) => seconds(4),
            Self::Drained | Self::Exit => seconds(5),
        }
    }

    fn event(self, id: RunnerId) -> FleetEvent {
        match self {
            Self::Ready => FleetEvent::Ready { id },
            Self::Pass(check) => FleetEvent::CheckFinished { id, check, finding: Outcome::Pass.into() },
            Self::Drained => FleetEvent::Drained { id },
            Self::Exit => FleetEvent::Exited { id, exit: Exit::Status(0) },
        }
    }
}

/// Delivers each answer after a random time, and deadlines up to 100 ms late.
struct FairScheduler {
    chance: Chance,
    due: BTreeMap<(RunnerId, Answer), Time>,
    deadline: Option<Time>,
    lateness: Duration,
}

impl FairScheduler {
    fn new(chance: Chance) -> Self {
        Self { chance, due: BTreeMap::new(), deadline: None, lateness: Duration::ZERO }
    }

    /// The next event and its time.
    fn next(&mut self, history: &History) -> Option<(Time, FleetEvent)> {
        let owed = |runner: &Runner| Some((runner.id(), Answer::owed(history.seen.get(&runner.id())?)?));
        let owed: BTreeSet<_> = history.fleet.runners().filter_map(owed).collect();
        self.due.retain(|answer, _| owed.contains(answer));
        for (id, answer) in owed {
            let longest = usize::try_from(answer.longest().as_millis()).unwrap();
            let chance = &mut self.chance;
            self.due.entry((id, answer)).or_insert_with(|| {
                let wait = if chance.one_in(4) { 0 } else { chance.below(longest) };
                history.now + millis(wait.try_into().unwrap())
            });
        }
        if std::mem::replace(&mut self.deadline, history.fleet.deadline()) != self.deadline {
            self.lateness = millis(self.chance.of(&[0, 0, 1, 100]));
        }
        let elapsed = self.deadline.map(|due| (due + self.lateness, FleetEvent::Elapsed));
        let answer = self.due.iter().min_by_key(|(_, due)| **due);
        let answer = answer.map(|((id, answer), due)| (*due, answer.event(*id)));
        elapsed.into_iter().chain(answer).min_by_key(|(due, _)| *due)
    }
}

impl History {
    /// From now on every runner behaves well. The fleet must become whole within a time that its settings bound, and stay
    /// whole. A host that stops must end within that time.
    pub(super) fn recover(&mut self, chance: Chance) {
        self.well_behaved = true;
        // A host that stops does not wait for them (S61c).
        if !self.stopping || self.chance.one_in(2) {
            while !self.launching.is_empty() {
                self.finish_first_launch();
            }
        }
        let mut scheduler = FairScheduler::new(chance);
        let replicas = self.fleet.replicas.len();
        let cycles = u32::try_from(2 * replicas + 1).unwrap();
        let mut end = self.now + ONE_REPLACEMENT * cycles;
        let mut was_whole = false;
        while !self.stopped {
            if !was_whole && self.is_whole() {
                was_whole = true;
                self.assert_left_no_trace();
                end = self.now + STAYS_WHOLE;
            }
            let Some((due, event)) = scheduler.next(self).filter(|(due, _)| *due <= end) else { break };
            self.now = self.now.max(due);
            self.handle(event);
            self.assert_invariants();
            assert!(!was_whole || self.serving() >= self.must_serve(), "a whole fleet stays whole");
        }
        if self.stopping {
            return self.assert_stopped();
        }
        assert!(was_whole, "the fleet becomes whole");
        self.assert_left_no_trace();
    }

    fn assert_left_no_trace(&self) {
        if self.settings.limits.age.is_none() {
            self.assert_whole();
        }
    }

    /// How many replicas have a runner that takes requests.
    fn serving(&self) -> usize {
        let is_routed = |runner: &&Runner| self.seen.get(&runner.id()).is_some_and(|seen| seen.routed);
        let serving = self.fleet.runners().filter(is_routed).map(|runner| runner.index().get());
        serving.collect::<BTreeSet<_>>().len()
    }

    /// How many replicas of a whole fleet keep a runner in the rotation. Only the age of a runner may end it, and only with stop-first
    /// before its successor serves.
    fn must_serve(&self) -> usize {
        let may_miss = match self.settings.replacement_strategy {
            ReplacementStrategy::StopFirst if self.settings.limits.age.is_some() => {
                self.fleet.max_replacing()
            }
            _ => 0,
        };
        self.fleet.settings.runners.get().saturating_sub(may_miss)
    }

    /// Whether each replica has one runner, which is in the rotation and stays there. With a greatest age runners come and go
    /// forever, and each replica has a runner in the rotation.
    fn is_whole(&self) -> bool {
        let wanted = self.fleet.settings.runners.get();
        let is_settled = self.fleet.runners().count() == wanted + self.settings.spares
            && self.fleet.runners().all(Runner::is_ready)
            && self.fleet.runners().all(|runner| runner.due().is_none() && !runner.awaits_min_healthy())
            && !matches!(self.fleet.restart_status(), Some(RestartStatus::Restarting { .. }));
        // These end although they still take requests (S36b, S40d).
        let is_ending = |runner: &Runner| {
            let is_unhealthy =
                runner.monitor().is_some_and(|monitor| monitor.verdict() == Verdict::Unhealthy);
            is_unhealthy || runner.refusal.is_some()
        };
        !self.stopping
            && !self.fleet.runners().any(is_ending)
            && self.serving() == wanted
            && (is_settled || self.settings.limits.age.is_some())
    }
}
