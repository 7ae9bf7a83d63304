//! What holds between any two calls of a fleet, and after a time without faults.

use fal_health::{CheckEffect, Verdict};

use super::history::History;
use crate::fleet::ReplacementStrategy;
use crate::fleet::replica::Replacement;
use crate::fleet::runner::{Phase, Runner};
use crate::id::RunnerId;

impl History {
    /// Asserts what holds between two calls.
    pub(super) fn assert_invariants(&self) {
        let fleet = &self.fleet;
        let is_ending = |id: &RunnerId| {
            fleet.runners.get(id).is_none_or(|runner| match runner.phase {
                Phase::Draining { .. } | Phase::Terminating { .. } | Phase::Killed { .. } => true,
                // It is told to stop when its process has started.
                Phase::Pending { .. } => runner.reason.is_some(),
                _ => false,
            })
        };
        let members: Vec<_> = fleet
            .replicas
            .values()
            .flat_map(|replica| [replica.current, replica.successor])
            .flatten()
            .collect();
        let remaining: Vec<_> = fleet.runners.keys().filter(|id| !is_ending(id)).copied().collect();
        for id in &remaining {
            let count = members.iter().filter(|member| *member == id).count();
            assert_eq!(count, 1, "{id} belongs to one replica");
        }
        assert!(
            fleet.runners.values().all(|runner| runner.timer == runner.deadline()),
            "each runner's timer is at its deadline"
        );
        if self.stopping {
            return;
        }
        assert_eq!(members.len(), remaining.len(), "a runner that is ending belongs to no replica");
        let awaited = fleet.replicas.values().filter(|replica| replica.current.is_none());
        for replica in awaited {
            assert_eq!(self.settings.replacement_strategy, ReplacementStrategy::StopFirst);
            assert!(
                replica.awaited_exit.is_some_and(|old| fleet.runners.get(&old).is_some()),
                "a replica without a runner waits for an exit"
            );
        }
        let count = |phase| fleet.replicas.values().filter(|it| it.replacement == Some(phase)).count();
        assert_eq!(count(Replacement::Doubled), fleet.doubled);
        assert_eq!(count(Replacement::Vacated), fleet.vacated());
        assert!(
            fleet.rolling_restart.is_some()
                || fleet
                    .replicas
                    .values()
                    .all(|replica| replica.successor.is_none() || replica.replacement.is_some()),
            "a restart that has ended leaves no successor beside an old runner (S52b)"
        );
        assert!(
            fleet.replicas.values().all(|replica| {
                let current = replica.current.and_then(|id| fleet.runners.get(&id));
                replica.replacement.is_none()
                    || replica.successor.is_some()
                    || current.is_none_or(|runner| !runner.stable)
            }),
            "a replacement ends with a stable runner (S40b)"
        );
        assert!(fleet.deferred.values().all(|id| fleet.runners.get(id).is_some_and(Runner::is_routed)));
        let may_replace = fleet.vacated() < fleet.max_replacing() || fleet.healthy_spare().is_some();
        if let Some(id) = fleet.deferred.values().next().filter(|_| may_replace) {
            let monitor = fleet.runners.get(id).and_then(Runner::monitor).expect("it is checked");
            let last = monitor.history().last().map(|record| record.effect);
            let is_checked = monitor.in_flight().is_some() || last == Some(CheckEffect::Inconclusive);
            assert!(is_checked, "{id} is deferred for no reason (S40f, S75c)");
        }
        if self.settings.replacement_strategy == ReplacementStrategy::StopFirst {
            let mut indexes: Vec<_> = fleet.runners.values().map(|runner| runner.replica).collect();
            indexes.sort_unstable();
            assert!(
                indexes.windows(2).all(|pair| pair[0] != pair[1]),
                "one after the other (S35b): {indexes:?}"
            );
        }
        let bound = fleet.max_replacing();
        if !self.was_scaled {
            assert!(self.replacing.len() <= bound, "{:?} are being replaced (S40)", self.replacing);
        }
        self.assert_spares();
        for runner in fleet.runners.values().filter(|runner| runner.is_routed()) {
            let is_failing = runner.monitor().is_some_and(|monitor| monitor.streak() > 0);
            let seen = &self.seen[&runner.id()];
            assert_eq!(seen.dispatched_last, is_failing, "{}: failing runners come last (S38g)", runner.id());
            if runner.monitor().is_some_and(|monitor| monitor.verdict() == Verdict::Unhealthy) {
                assert_eq!(runner.deferral.and_then(|it| fleet.deferred.get(&it)), Some(&runner.id()));
            }
        }
    }

    /// Asserts that spares are out of the rotation, and that no spare is ready while a place in the rotation is free (S75).
    fn assert_spares(&self) {
        let fleet = &self.fleet;
        assert_eq!(fleet.spares.len(), self.settings.spares);
        assert_eq!(fleet.replicas.len(), fleet.settings.runners.get() + self.settings.spares);
        assert_eq!(fleet.routed, fleet.runners.values().filter(|runner| runner.is_routed()).count());
        let (mut has_ready, mut is_vacant) = (false, false);
        for (index, replica) in &fleet.replicas {
            let members = [replica.current, replica.successor].into_iter().flatten();
            let members: Vec<_> = members.filter_map(|id| fleet.runners.get(&id)).collect();
            let is_routed = members.iter().any(|runner| runner.is_routed());
            if fleet.spares.contains(index) {
                assert!(!is_routed, "{index:?} is a spare (S75a)");
                has_ready |= replica.current.is_some_and(|id| fleet.runners.get(&id).unwrap().is_ready());
            } else {
                is_vacant |= !is_routed;
            }
        }
        assert!(!has_ready || !is_vacant, "a spare that is ready takes a free place (S75b)");
    }

    /// Asserts that nothing is left of the faults.
    pub(super) fn assert_whole(&self) {
        let routed = self.seen.values().filter(|seen| seen.routed).count();
        let wanted = self.fleet.settings.runners.get();
        assert_eq!(
            (routed, self.processes()),
            (wanted, wanted + self.settings.spares),
            "each replica has one runner that takes requests, and there is no other process"
        );
        assert!(self.fleet.rolling_restart.is_none(), "the rolling restart has ended");
        assert!(self.fleet.deferred.is_empty(), "no replacement is deferred");
        assert!(self.fleet.replicas.values().all(|replica| replica.successor.is_none()));
    }

    /// Asserts that nothing is left of a host that was told to stop.
    pub(super) fn assert_stopped(&self) {
        let routed = self.seen.values().filter(|seen| seen.routed).count();
        assert!(self.stopped && routed == 0 && self.processes() == 0, "a host that stops ends");
    }

    /// How many processes there are that the fleet knows. One that survived SIGKILL is abandoned.
    fn processes(&self) -> usize {
        self.seen.iter().filter(|(id, seen)| seen.has_process && !self.ended.contains(id)).count()
    }
}
