//! How spares take the places of runners that leave the rotation (S75).

use fal_health::Time;

use super::Fleet;
use super::event_kind::EventKind;
use super::replica::{Replica, ReplicaIndex};
use super::runner::Runner;
use crate::id::RunnerId;

impl Fleet {
    /// Whether a runner belongs to a spare. One that is ending belongs to none.
    pub(crate) fn is_spare(&self, runner: &Runner) -> bool {
        let is_member = |it: &Replica| it.current == Some(runner.id) || it.successor == Some(runner.id);
        self.spares.contains(&runner.replica) && self.replicas.get(&runner.replica).is_some_and(is_member)
    }

    /// Gives the place of a replica without a runner in the rotation to a spare that is ready, healthy ones first (S75b).
    pub(super) fn fill_vacancy(&mut self, now: Time, index: ReplicaIndex) {
        if self.is_vacant(index)
            && let Some((_, _, spare)) = self.ready_spares().min()
        {
            self.promote(now, spare, index);
        }
    }

    /// A runner of a spare is ready: it takes a place that is free, or that of an unhealthy runner.
    pub(super) fn on_spare_ready(&mut self, now: Time) {
        if let Some(vacant) = self.replicas.keys().copied().find(|index| self.is_vacant(*index)) {
            self.fill_vacancy(now, vacant);
        }
        self.check_deferred(now);
    }

    /// A spare that is ready, has passed a check, and has not failed one since.
    pub(super) fn healthy_spare(&self) -> Option<ReplicaIndex> {
        let has_passed = |id| self.runners.get(&id).is_some_and(Runner::has_passed);
        let healthy = self.ready_spares().filter(|(is_failing, id, _)| !is_failing && has_passed(*id));
        healthy.map(|(.., index)| index).min()
    }

    /// Whether a runner could enter the rotation at once.
    pub(super) fn has_ready_spare(&self) -> bool {
        self.ready_spares().next().is_some()
    }

    /// The spares whose current runner is ready: whether its last counted check failed, its id, and its index.
    fn ready_spares(&self) -> impl Iterator<Item = (bool, RunnerId, ReplicaIndex)> {
        self.spares.iter().filter_map(|index| {
            let runner = self.runners.get(&self.replicas.get(index)?.current?)?;
            runner.is_ready().then(|| (runner.is_failing(), runner.id, *index))
        })
    }

    /// Whether a replica that is not a spare has no runner in the rotation.
    fn is_vacant(&self, index: ReplicaIndex) -> bool {
        let is_routed =
            |id: Option<RunnerId>| id.and_then(|id| self.runners.get(&id)).is_some_and(Runner::is_routed);
        let replica = self.replicas.get(&index).filter(|_| !self.spares.contains(&index));
        !self.is_stopping() && replica.is_some_and(|it| !is_routed(it.current) && !is_routed(it.successor))
    }

    /// Exchanges a spare and a replica without a runner in the rotation. Each keeps its index (S75b).
    fn promote(&mut self, now: Time, spare: ReplicaIndex, vacant: ReplicaIndex) {
        self.spares.remove(&spare);
        self.spares.insert(vacant);
        let Some(replica) = self.replicas.get(&spare) else { return };
        let is_proven = replica.current.and_then(|id| self.runners.get(&id)).is_some_and(Runner::has_passed);
        if is_proven || !self.settings.has_periodic_checks() {
            // The rotation is whole again, so the replacement is complete.
            self.set_replacement(vacant, None);
        }
        let Some(replica) = self.replicas.get(&spare) else { return };
        for id in [replica.current, replica.successor].into_iter().flatten() {
            if self.runners.get(&id).is_some_and(Runner::is_ready) {
                self.emit(id, EventKind::Promoted { replaces: vacant.get() });
                self.route(now, id);
            }
        }
        self.check_deferred(now);
    }
}
