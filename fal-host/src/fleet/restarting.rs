//! How a rolling restart replaces the runners, one after another (S52).

use std::collections::BTreeSet;

use fal_health::Time;

use super::event_kind::EventKind;
use super::failure_cause::FailureCause;
use super::message::FleetCommand;
use super::record::Reason;
use super::replica::ReplicaIndex;
use super::rolling_restart::{RestartError, RestartStatus, RollingRestart};
use super::runner::{MinHealthy, Phase};
use super::settings::ReplacementStrategy;
use super::{Fleet, Shutdown};
use crate::id::RunnerId;

impl Fleet {
    /// Starts a rolling restart of every runner that exists now. During another one it starts again, so that the runners
    /// which that one has started are replaced too.
    pub(super) fn on_restart(&mut self, now: Time) {
        if self.is_stopping() {
            if self.shutdown != Shutdown::Complete {
                self.commands.push(FleetCommand::RestartEnded(Err(RestartError::HostStopped)));
            }
            return;
        }
        let previous = self.rolling_restart.take().and_then(|restart| restart.ending);
        // The old runner whose successor has not replaced it does not end.
        let previous =
            previous.filter(|id| self.replicas.values().all(|replica| replica.current != Some(*id)));
        let superseded = self.end_successors(now, Reason::Restarted);
        self.rolling_restart = Some(RollingRestart {
            remaining: self.replicas.keys().copied().collect(),
            ending: superseded.or(previous),
            first_new: RunnerId::new(self.next_id),
            successors: BTreeSet::new(),
            replaced: 0,
        });
    }

    /// Continues with the next replica when the last one has a new runner that has been healthy for long enough, and its
    /// old runner has ended.
    pub(super) fn advance_restart(&mut self, now: Time) {
        if self.is_stopping() && self.rolling_restart.take().is_some() {
            self.commands.push(FleetCommand::RestartEnded(Err(RestartError::HostStopped)));
        }
        while let Some(restart) = &mut self.rolling_restart {
            // A current runner whose successor an operator has ended gets another one.
            let has_lost_successor =
                |id| self.replicas.values().any(|it| it.current == Some(id) && it.successor.is_none());
            let is_ending = |id: RunnerId| {
                self.runners.get(&id).is_some_and(|runner| !runner.is_ready() || !has_lost_successor(id))
            };
            if restart.ending.is_some_and(is_ending) {
                return;
            }
            let Some(index) = restart.remaining.front().copied() else {
                return self.complete_restart();
            };
            let Some(replica) = self.replicas.get(&index) else {
                // The host has scaled down meanwhile.
                restart.remaining.pop_front();
                continue;
            };
            // Under stop-first, the replica may still wait for the end of a process.
            let Some(runner) = replica.current.and_then(|id| self.runners.get(&id)) else { return };
            let id = runner.id;
            if !restart.successors.contains(&id) {
                // A runner that has not started, or was started since the request, is as new as one of the restart's own.
                if id >= restart.first_new
                    || matches!(runner.phase, Phase::CrashBackoff { .. } | Phase::Pending { .. })
                {
                    restart.successors.insert(id);
                    if runner.is_ready() {
                        self.begin_min_healthy(now, id);
                    }
                } else {
                    self.restart_runner(now, id, index);
                }
            } else if runner.is_ready() && runner.min_healthy.is_none() {
                restart.remaining.pop_front();
                restart.replaced += 1;
            } else {
                return;
            }
        }
    }

    fn restart_runner(&mut self, now: Time, id: RunnerId, index: ReplicaIndex) {
        let Some(phase) = self.runners.get(&id).map(|runner| runner.phase) else { return };
        let Some(restart) = &mut self.rolling_restart else { return };
        restart.ending = Some(id);
        match phase {
            Phase::Ready { .. } if self.settings.replacement_strategy == ReplacementStrategy::StartFirst => {
                self.start_successor(now, index, Reason::Restarted);
            }
            Phase::Ready { .. } => self.drain(now, id, Reason::Restarted),
            // It has no requests to finish.
            Phase::Setup { .. } | Phase::AwaitingFirstPass => self.terminate(now, id, Reason::Restarted),
            // The first two are not restarted, and the others are the current runner of no replica.
            Phase::CrashBackoff { .. }
            | Phase::Pending { .. }
            | Phase::Draining { .. }
            | Phase::Terminating { .. }
            | Phase::Killed { .. } => {}
        }
    }

    fn complete_restart(&mut self) {
        let Some(restart) = self.rolling_restart.take() else { return };
        self.last_restart = Some(RestartStatus::Completed);
        // If the host has scaled down meanwhile, none of its successors may be left.
        let current = || self.replicas.values().find_map(|replica| replica.current);
        if let Some(last) = restart.successors.last().copied().or_else(current) {
            self.emit(last, EventKind::RestartCompleted { replaced: restart.replaced });
        }
        self.commands.push(FleetCommand::RestartEnded(Ok(())));
    }

    /// Ends the rolling restart if this runner, which has failed, is one of its successors. The runners that it has not
    /// replaced stay (S52b).
    pub(super) fn abort_restart_of(&mut self, now: Time, id: RunnerId, reason: Reason) {
        let is_successor = |restart: &mut RollingRestart| restart.successors.contains(&id);
        if self.rolling_restart.take_if(is_successor).is_none() {
            return;
        }
        self.last_restart = Some(RestartStatus::Aborted { runner: id, reason });
        // The caller of the fleet knows more about the cause.
        let cause = FailureCause::default();
        self.emit(id, EventKind::RestartAborted { reason, cause: cause.clone() });
        let error = RestartError::SuccessorFailed { runner: id, reason, cause };
        self.commands.push(FleetCommand::RestartEnded(Err(error)));
        self.end_successors(now, Reason::RestartAborted);
    }

    /// Ends the successor that has not become the current runner of its replica, if there is one. Returns it if it has a
    /// process.
    fn end_successors(&mut self, now: Time, reason: Reason) -> Option<RunnerId> {
        let mut ending = None;
        let successors: Vec<_> =
            self.replicas.iter().filter_map(|(index, replica)| Some((*index, replica.successor?))).collect();
        for (index, id) in successors {
            if self.end_runner(now, id, reason) {
                ending = Some(id);
            }
            if self.replicas.get(&index).is_some_and(|replica| replica.successor == Some(id)) {
                self.drop_successor(now, index);
            }
        }
        ending
    }

    /// Ends a runner that is not needed any more. Returns whether it has a process. One that is pending is terminated when its
    /// process has started.
    pub(super) fn end_runner(&mut self, now: Time, id: RunnerId, reason: Reason) -> bool {
        let Some(runner) = self.runners.get_mut(&id) else { return false };
        match runner.phase {
            Phase::CrashBackoff { .. } => {
                self.remove(id);
                return false;
            }
            Phase::Pending { .. } => runner.reason = Some(reason),
            Phase::Ready { .. } => self.drain(now, id, reason),
            _ => self.terminate(now, id, reason),
        }
        true
    }

    /// Starts the minimum healthy time of a successor that enters the rotation, or waits for its first pass (S52a, S54c).
    pub(super) fn begin_min_healthy(&mut self, now: Time, id: RunnerId) {
        let is_of_restart =
            self.rolling_restart.as_ref().is_some_and(|restart| restart.successors.contains(&id));
        let replica = self.runners.get(&id).and_then(|runner| self.replicas.get(&runner.replica));
        if !is_of_restart && replica.is_none_or(|replica| replica.successor != Some(id)) {
            return;
        }
        let has_periodic_checks = self.settings.has_periodic_checks();
        let Some(runner) = self.runners.get_mut(&id) else { return };
        runner.min_healthy = Some(MinHealthy::NotHealthy);
        if !has_periodic_checks || runner.has_passed() {
            self.on_successor_healthy(now, id);
        }
    }

    /// A runner is healthy. If it is a successor that was not, its minimum healthy time begins (S52a).
    pub(super) fn on_successor_healthy(&mut self, now: Time, id: RunnerId) {
        let until = now + self.settings.min_healthy;
        let Some(runner) = self.runners.get_mut(&id) else { return };
        if runner.min_healthy == Some(MinHealthy::NotHealthy) {
            runner.min_healthy = Some(MinHealthy::Until(until));
            self.end_min_healthy(now, id);
            self.update_timer(id);
        }
    }

    /// Promotes a successor whose minimum healthy time has passed, and drains the runner that it replaces (S52a).
    pub(super) fn end_min_healthy(&mut self, now: Time, id: RunnerId) {
        let Some(runner) = self.runners.get_mut(&id) else { return };
        let is_over = |state: &mut MinHealthy| matches!(state, MinHealthy::Until(until) if *until <= now);
        if runner.min_healthy.take_if(is_over).is_none() {
            return;
        }
        let index = runner.replica;
        let Some(replica) = self.replicas.get(&index) else { return };
        if replica.successor == Some(id)
            && let Some(old) = replica.current
        {
            self.drain(now, old, replica.succession);
        }
    }

    /// How far the last rolling restart is. `None` before the first one.
    pub(crate) fn restart_status(&self) -> Option<RestartStatus> {
        let restarting = self.rolling_restart.as_ref();
        let restarting =
            restarting.map(|restart| RestartStatus::Restarting { remaining: restart.remaining.len() });
        restarting.or(self.last_restart)
    }
}
