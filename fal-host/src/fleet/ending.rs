//! How runners end, and which runners replace them.

use std::sync::Arc;

use fal_health::{Monitor, Time};

use super::event_kind::EventKind;
use super::exit::Exit;
use super::give_up::FailedStart;
use super::message::FleetCommand;
use super::record::{MAX_RECORDS, Reason, RunnerRecord};
use super::refusal::Refusal;
use super::replica::{Replacement, ReplicaIndex};
use super::runner::{Phase, Runner};
use super::settings::{EXIT_GRACE, KILL_TIMEOUT, ReplacementStrategy};
use super::starting::ENDED_EARLY;
use super::{Fleet, Shutdown};
use crate::id::RunnerId;

impl Fleet {
    /// Sends SIGTERM to a runner and starts its replacement (S33, S35).
    pub(super) fn terminate(&mut self, now: Time, id: RunnerId, reason: Reason) {
        let Some(runner) = self.runners.get_mut(&id) else { return };
        if matches!(runner.phase, Phase::Terminating { .. } | Phase::Killed { .. }) {
            return;
        }
        let index = runner.replica;
        let reason = *runner.reason.get_or_insert(reason);
        // One that drains was replaced already, or is not needed any more.
        let is_draining = matches!(runner.phase, Phase::Draining { .. });
        let start_failed = !runner.stable && !is_draining && !reason.is_planned();
        let detail = runner.detail().map(str::to_owned);
        let grace_period = self.settings.grace_period;
        self.leave_rotation(now, id);
        self.commands.push(FleetCommand::Terminate(id));
        self.emit(id, EventKind::Terminating { reason, detail, grace_period });
        self.set_phase(id, Phase::Terminating { kill_at: now + grace_period });
        if start_failed && let Some(failed) = self.runners.get(&id).map(FailedStart::of) {
            self.on_start_failed(now, index, failed);
        }
        self.vacate(now, id, index);
        if !reason.is_planned() {
            self.abort_restart_of(now, id, reason);
        }
    }

    /// Lets a runner finish its requests, within the drain timeout, before it gets SIGTERM (S33).
    pub(super) fn drain(&mut self, now: Time, id: RunnerId, reason: Reason) {
        let Some(runner) = self.runners.get_mut(&id) else { return };
        if !runner.is_routed() {
            // A spare, or one that has not been admitted yet, has no requests to finish.
            return self.terminate(now, id, reason);
        }
        runner.reason.get_or_insert(reason);
        let index = runner.replica;
        let timeout = self.settings.drain_timeout;
        self.emit(id, EventKind::Draining { reason, timeout });
        self.leave_rotation(now, id);
        self.set_phase(id, Phase::Draining { until: now + timeout });
        self.vacate(now, id, index);
    }

    /// Drains and replaces a runner that says that it cannot go on (S58).
    pub(super) fn on_stop_requested(&mut self, now: Time, id: RunnerId) {
        let Some(runner) = self.runners.get_mut(&id).filter(|runner| runner.is_routed()) else { return };
        let reason = *runner.reason.get_or_insert(Reason::Requested);
        let index = runner.replica;
        if !runner.stable
            && let Some(failed) = self.runners.get(&id).map(FailedStart::of)
        {
            self.on_start_failed(now, index, failed);
        }
        self.drain(now, id, reason);
        self.abort_restart_of(now, id, reason);
    }

    pub(super) fn on_drained(&mut self, now: Time, id: RunnerId) {
        let Some(runner) = self.runners.get(&id) else { return };
        if matches!(runner.phase, Phase::Draining { .. }) {
            self.terminate(now, id, runner.reason.unwrap_or(Reason::Stopped));
        }
    }

    /// Ends requests to a runner and checks of it (S11, S21).
    pub(super) fn leave_rotation(&mut self, now: Time, id: RunnerId) {
        let Some(runner) = self.runners.get_mut(&id) else { return };
        if let Some(monitor) = &mut runner.monitor {
            if monitor.in_flight().is_some() {
                self.commands.push(FleetCommand::CancelCheck(id));
            }
            monitor.handle(now, fal_health::Event::Stopping);
        }
        if std::mem::take(&mut runner.routed) {
            self.routed -= 1;
            self.commands.push(FleetCommand::Unroute(id));
        }
        let deferral = runner.deferral.take();
        let (stable, index) = (runner.stable, runner.replica);
        let replica = self.replicas.get_mut(&index).filter(|replica| stable && replica.current == Some(id));
        if let Some(replica) = replica {
            // Until now only successors beside it have failed (S35e).
            replica.backoff.release();
        }
        if deferral.is_some_and(|deferral| self.deferred.remove(&deferral).is_some()) {
            // Another may be the next.
            self.check_deferred(now);
        }
    }

    /// A runner has refused the connections of a request (S39e).
    pub(super) fn on_unreachable(&mut self, now: Time, id: RunnerId, refused: String) {
        if let Some(runner) = self.runners.get_mut(&id).filter(|runner| runner.is_routed()) {
            runner.refusal.get_or_insert(Refusal { refused, until: now + EXIT_GRACE });
            self.update_timer(id);
        }
    }

    /// Ends a runner that has refused connections and has not exited since. Returns whether it does.
    pub(super) fn end_unreachable(&mut self, now: Time, id: RunnerId) -> bool {
        let runner = self.runners.get_mut(&id);
        let refusal = runner.and_then(|it| it.refusal.take_if(|refusal| refusal.until <= now));
        let Some(Refusal { refused, .. }) = refusal else { return false };
        if let Some(runner) = self.runners.get_mut(&id) {
            runner.detail = Some(refused);
        }
        self.terminate(now, id, Reason::Unreachable);
        true
    }

    pub(super) fn on_exited(&mut self, now: Time, id: RunnerId, exit: Exit) {
        self.leave_rotation(now, id);
        let Some(mut runner) = self.remove(id) else { return };
        let unexpected = match runner.phase {
            // It was not sent SIGTERM yet, so its planned end does not matter (S36).
            Phase::AwaitingFirstPass | Phase::Ready { .. } | Phase::Draining { .. } => Some(Reason::Exited),
            Phase::Setup { .. } => Some(Reason::SetupFailed),
            _ => None,
        };
        if let Some(reason) = unexpected {
            runner.reason = Some(reason);
            if reason == Reason::SetupFailed && runner.detail.is_none() {
                runner.detail = Some(runner.not_ready_and(ENDED_EARLY));
            }
            // One that drains was replaced already or is not needed any more (S35c).
            if !runner.stable && !matches!(runner.phase, Phase::Draining { .. }) {
                let mut failed = FailedStart::of(&runner);
                failed.cause.exit = Some(exit);
                self.on_start_failed(now, runner.replica, failed);
            }
        }
        let has_failed = unexpected.filter(|_| !matches!(runner.phase, Phase::Draining { .. }));
        self.finish_runner(now, runner, Some(exit));
        if let Some(reason) = has_failed {
            self.abort_restart_of(now, id, reason);
        }
    }

    /// Records a removed runner, and starts its replacement if that has not happened yet.
    pub(super) fn finish_runner(&mut self, now: Time, runner: Runner, exit: Option<Exit>) {
        let Runner { id, replica: index, stable, .. } = runner;
        self.record(now, runner, exit);
        if !stable {
            self.give_up_if_due(now);
        }
        self.release_replica(now, id, index);
    }

    /// Starts the replacement of a removed runner if that has not happened yet.
    pub(super) fn release_replica(&mut self, now: Time, id: RunnerId, index: ReplicaIndex) {
        self.vacate(now, id, index);
        let awaited = self.replicas.get(&index).is_some_and(|replica| replica.awaited_exit == Some(id));
        if awaited && !self.is_stopping() {
            self.start_current(now, index);
        }
    }

    /// Removes a runner from its replica. The replica goes to its successor, or to a new runner.
    pub(super) fn vacate(&mut self, now: Time, id: RunnerId, index: ReplicaIndex) {
        let is_stopping = self.is_stopping();
        let Some(replica) = self.replicas.get_mut(&index) else { return };
        if replica.successor == Some(id) {
            return self.drop_successor(now, index);
        }
        if replica.current != Some(id) {
            return;
        }
        let successor = replica.successor.take();
        replica.current = successor;
        let is_held = replica.backoff.held(now).is_some();
        if replica.replacement.is_some() {
            self.set_replacement(index, Some(Replacement::Vacated));
        }
        if let Some(successor) = successor {
            if !is_held {
                self.launch_waiting(successor);
            }
            self.end_replacement(now, successor, index);
            return self.fill_vacancy(now, index);
        }
        if is_stopping {
            return;
        }
        self.fill_vacancy(now, index);
        let Some(replica) = self.replicas.get_mut(&index) else { return };
        if self.settings.replacement_strategy == ReplacementStrategy::StopFirst {
            replica.awaited_exit = Some(id);
        } else {
            self.start_current(now, index);
        }
    }

    fn record(&mut self, now: Time, runner: Runner, exit: Option<Exit>) {
        let record = RunnerRecord {
            id: runner.id,
            index: runner.replica.get(),
            pid: runner.pid,
            started: runner.started,
            ended: now,
            reason: runner.reason.unwrap_or(Reason::Exited),
            steps: runner.steps,
            detail: runner.detail.or(runner.not_ready),
            checks: runner.monitor.iter().flat_map(Monitor::history).copied().collect(),
            exit,
        };
        if self.records.len() == MAX_RECORDS {
            self.records.pop_front();
        }
        self.records.push_back(Arc::new(record.clone()));
        self.emit(runner.id, EventKind::Terminated(record));
        self.commands.push(FleetCommand::Forget(runner.id));
    }

    pub(super) fn on_stop(&mut self, now: Time) {
        if self.is_stopping() {
            return;
        }
        self.shutdown = Shutdown::Graceful;
        for id in self.ids() {
            match self.runners.get(&id).map(|runner| runner.phase) {
                Some(Phase::CrashBackoff { .. }) => drop(self.remove(id)),
                Some(Phase::Setup { .. } | Phase::AwaitingFirstPass) => {
                    self.terminate(now, id, Reason::Stopped);
                }
                Some(Phase::Ready { .. }) => self.drain(now, id, Reason::Stopped),
                Some(Phase::Pending { .. }) => {
                    let longest_end = self.settings.drain_timeout.saturating_add(self.settings.grace_period);
                    self.forget_pending(id, now + longest_end + KILL_TIMEOUT);
                }
                Some(Phase::Killed { until: None }) => self.abandon(now, id),
                _ => {}
            }
        }
    }

    /// A host that stops waits until then for a start.
    fn forget_pending(&mut self, id: RunnerId, latest: Time) {
        if let Some(Phase::Pending { until }) = self.runners.get(&id).map(|runner| runner.phase) {
            let until = until.map_or(latest, |until| until.min(latest));
            self.set_phase(id, Phase::Pending { until: Some(until) });
        }
    }

    pub(super) fn on_kill(&mut self, now: Time) {
        if self.shutdown == Shutdown::Complete {
            return;
        }
        self.shutdown = Shutdown::Forced;
        for id in self.ids() {
            match self.runners.get(&id).map(|runner| runner.phase) {
                Some(Phase::CrashBackoff { .. }) => drop(self.remove(id)),
                Some(Phase::Killed { until: None }) => self.abandon(now, id),
                // A pending runner is killed as soon as its process has started.
                Some(Phase::Pending { .. }) => self.forget_pending(id, now + KILL_TIMEOUT),
                Some(Phase::Killed { .. }) | None => {}
                Some(_) => self.kill_runner(now, id),
            }
        }
    }

    pub(super) fn kill_runner(&mut self, now: Time, id: RunnerId) {
        let Some(runner) = self.runners.get_mut(&id) else { return };
        runner.reason.get_or_insert(Reason::Stopped);
        self.leave_rotation(now, id);
        self.commands.push(FleetCommand::Kill(id));
        self.emit(id, EventKind::Killed);
        self.set_phase(id, Phase::Killed { until: Some(now + KILL_TIMEOUT) });
    }

    /// A process has survived SIGKILL, such as one that hangs in a system call. Its successor may have to wait for its end,
    /// however long that takes (S60b).
    pub(super) fn on_kill_outlived(&mut self, now: Time, id: RunnerId) {
        if self.settings.replacement_strategy == ReplacementStrategy::StopFirst && !self.is_stopping() {
            self.emit(id, EventKind::KillOutlived);
            self.set_phase(id, Phase::Killed { until: None });
        } else {
            self.abandon(now, id);
        }
    }

    /// Continues without a runner whose process has survived SIGKILL.
    fn abandon(&mut self, now: Time, id: RunnerId) {
        self.emit(id, EventKind::Abandoned);
        if let Some(mut runner) = self.remove(id) {
            runner
                .detail
                .get_or_insert_with(|| "its process has survived SIGKILL and may still run".to_owned());
            self.finish_runner(now, runner, None);
        }
    }
}
