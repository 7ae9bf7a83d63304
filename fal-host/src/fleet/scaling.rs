//! How the number of runners changes while the host runs (S76).

use std::cmp::Reverse;
use std::num::NonZeroUsize;

use fal_health::Time;

use super::Fleet;
use super::record::Reason;
use super::replica::{Replica, ReplicaIndex};
use super::scale::{Scale, ScaleTarget};
use super::settings::ReplacementStrategy;
use crate::id::RunnerId;

impl Fleet {
    /// How many runners and spares there should be.
    pub(crate) fn scale_target(&self) -> ScaleTarget {
        ScaleTarget { runners: self.settings.runners, spares: self.settings.spares }
    }

    /// Starts further runners, or drains those with the highest indexes (S76).
    pub(super) fn on_scale(&mut self, now: Time, scale: Scale) {
        if self.is_stopping() {
            return;
        }
        let runners = self.settings.runners;
        self.settings.runners = match scale {
            Scale::To(wanted) => wanted,
            Scale::Up => runners.saturating_add(1),
            Scale::Down => NonZeroUsize::new(runners.get() - 1).unwrap_or(NonZeroUsize::MIN),
        };
        let (wanted, existing) = (self.settings.runners.get(), self.replicas.len() - self.spares.len());
        for _ in existing..wanted {
            let index = self.add_replica(now);
            self.fill_vacancy(now, index);
        }
        for index in self.dispensable(existing.saturating_sub(wanted)) {
            self.remove_replica(now, index);
        }
        // The bound may have grown with the number of runners.
        self.check_deferred(now);
    }

    /// Adds a replica with the lowest free index.
    pub(super) fn add_replica(&mut self, now: Time) -> ReplicaIndex {
        let count = self.replicas.len();
        let index = match self.replicas.last_key_value() {
            Some((last, _)) if last.get() >= count => {
                (0..count).find(|it| !self.is_taken(*it)).unwrap_or(count)
            }
            _ => count,
        };
        let index = ReplicaIndex(index);
        let seed = self.settings.seed.wrapping_add(u64::try_from(index.get()).unwrap_or_default());
        let mut replica = Replica::new(seed);
        if self.settings.replacement_strategy == ReplacementStrategy::StopFirst {
            // The last runner with this index may still be ending.
            let ending = self.runners.values().filter(|runner| runner.replica == index);
            replica.awaited_exit = ending.map(|runner| runner.id).next_back();
        }
        let waits = replica.awaited_exit.is_some();
        self.replicas.insert(index, replica);
        if !waits {
            self.start_current(now, index);
        }
        index
    }

    fn is_taken(&self, index: usize) -> bool {
        self.replicas.contains_key(&ReplicaIndex(index))
    }

    /// As many replicas as are to be removed: first those without a healthy runner in the rotation, then the highest indexes.
    fn dispensable(&self, count: usize) -> Vec<ReplicaIndex> {
        if count == 0 {
            return Vec::new();
        }
        let serves = |id: Option<RunnerId>| {
            id.and_then(|id| self.runners.get(&id)).is_some_and(|it| it.is_routed() && it.deferral.is_none())
        };
        let serving = self.replicas.iter().filter(|(index, _)| !self.spares.contains(index));
        let mut ranked: Vec<_> = serving
            .map(|(index, replica)| (serves(replica.current) || serves(replica.successor), Reverse(*index)))
            .collect();
        ranked.sort_unstable();
        ranked.into_iter().take(count).map(|(_, Reverse(index))| index).collect()
    }

    /// Removes a replica and ends its runners.
    fn remove_replica(&mut self, now: Time, index: ReplicaIndex) {
        self.set_replacement(index, None);
        let Some(replica) = self.replicas.remove(&index) else { return };
        for id in [replica.current, replica.successor].into_iter().flatten() {
            if let Some(restart) = &mut self.rolling_restart {
                restart.successors.remove(&id);
            }
            self.end_runner(now, id, Reason::ScaledDown);
        }
    }
}
