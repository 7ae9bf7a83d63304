//! How runners start, and when their start counts as a success.

use fal_health::protocol::Progress;
use fal_health::{Lifespan, Monitor, Time};

use super::event_kind::EventKind;
use super::give_up::FailedStart;
use super::message::FleetCommand;
use super::record::Reason;
use super::replica::ReplicaIndex;
use super::runner::{Phase, Runner};
use super::settings::STABLE_AFTER;
use super::step::StepKind;
use super::{Fleet, Shutdown};
use crate::amounts::duration;
use crate::id::RunnerId;

/// How the detail of a runner begins that was not ready in time, if nothing else is known.
pub(crate) const NOT_READY: &str = "not ready within";

/// How the detail of a runner ends whose process has ended before it was ready, without an error of its setup.
pub(crate) const ENDED_EARLY: &str = "its process ended before it was ready";

impl Runner {
    /// What keeps it from being ready, if that is known, and how its start has failed.
    pub(super) fn not_ready_and(&self, failed: &str) -> String {
        let not_ready = self.not_ready.as_ref().map(|detail| format!("{detail}; ")).unwrap_or_default();
        format!("{not_ready}{failed}")
    }
}

impl Fleet {
    /// Creates the current runner of a replica that has none.
    pub(super) fn start_current(&mut self, now: Time, index: ReplicaIndex) {
        let id = self.create_runner(now, index);
        if let Some(replica) = self.replicas.get_mut(&index) {
            replica.current = Some(id);
            replica.awaited_exit = None;
        }
    }

    /// Creates the successor of a replica's current runner, which is to end for this reason.
    pub(super) fn start_successor(&mut self, now: Time, index: ReplicaIndex, reason: Reason) {
        let successor = self.create_runner(now, index);
        if let Some(replica) = self.replicas.get_mut(&index) {
            replica.successor = Some(successor);
            replica.succession = reason;
        }
    }

    /// Creates a runner. It starts at once, or after the backoff (S35).
    pub(super) fn create_runner(&mut self, now: Time, index: ReplicaIndex) -> RunnerId {
        let id = RunnerId::new(self.next_id);
        self.next_id += 1;
        let backoff = self.replicas.get(&index).map(|replica| &replica.backoff);
        let held = backoff.and_then(|backoff| Some((backoff.held(now)?, backoff.failures())));
        let phase = match held {
            None => {
                self.commands.push(FleetCommand::Launch(id, index));
                Phase::Pending { until: None }
            }
            Some((until, failed_starts)) => {
                self.emit(
                    id,
                    EventKind::BackoffStarted { index: index.get(), wait: until.since(now), failed_starts },
                );
                Phase::CrashBackoff { until }
            }
        };
        self.runners.insert(id, Runner::new(id, index, now, phase));
        if let Some(restart) = &mut self.rolling_restart
            && restart.remaining.front() == Some(&index)
        {
            restart.successors.insert(id);
        }
        self.update_timer(id);
        id
    }

    /// Starts the process of a runner if it waits for the end of a backoff.
    pub(super) fn launch_waiting(&mut self, id: RunnerId) {
        if let Some(Runner { phase: Phase::CrashBackoff { .. }, replica, .. }) = self.runners.get(&id) {
            self.launch(id, *replica);
        }
    }

    /// Starts the process of a runner whose backoff has ended.
    pub(super) fn launch(&mut self, id: RunnerId, index: ReplicaIndex) {
        self.emit(id, EventKind::BackoffEnded);
        self.commands.push(FleetCommand::Launch(id, index));
        self.set_phase(id, Phase::Pending { until: None });
    }

    pub(super) fn on_launched(&mut self, now: Time, id: RunnerId, pid: Option<u32>, started: Time) {
        let Some(runner) = self.runners.get_mut(&id) else {
            if self.is_stopping() {
                // The host has not waited for its start (S61c).
                self.commands.push(FleetCommand::Kill(id));
            }
            return;
        };
        (runner.pid, runner.started, runner.not_ready) = (pid, started, None);
        runner.limits = self.settings.limits.of_runner(id, self.settings.seed);
        let lifespan = Lifespan::new(started, self.settings.startup_timeout);
        let schedule = self.settings.schedule(id.get());
        runner.monitor = self.settings.health.map(|health| Monitor::new(health, lifespan, schedule));
        let index = runner.replica.get();
        let effective_start_period = self.settings.effective_start_period();
        self.emit(id, EventKind::Started { index, pid, effective_start_period });
        self.set_phase(id, Phase::Setup { until: started + self.settings.startup_limit() });
        match (self.shutdown, self.runners.get(&id).and_then(|runner| runner.reason)) {
            (Shutdown::NotRequested | Shutdown::Complete, None) => {}
            (Shutdown::NotRequested | Shutdown::Complete, Some(reason)) => self.terminate(now, id, reason),
            (Shutdown::Graceful, _) => self.terminate(now, id, Reason::Stopped),
            (Shutdown::Forced, _) => self.kill_runner(now, id),
        }
    }

    /// Whether the process of a runner is still to be started.
    pub(crate) fn wants_launch(&self, id: RunnerId) -> bool {
        !self.is_stopping() && self.runners.get(&id).is_some_and(|runner| runner.reason.is_none())
    }

    pub(super) fn on_launch_dropped(&mut self, now: Time, id: RunnerId) {
        if let Some(runner) = self.remove(id) {
            self.release_replica(now, id, runner.replica);
        }
    }

    pub(super) fn on_launch_failed(&mut self, now: Time, id: RunnerId, error: String) {
        let Some(mut runner) = self.remove(id) else { return };
        if self.is_stopping() {
            return;
        }
        // It has not lived: the time before was its wait.
        runner.started = now;
        runner.reason = Some(Reason::SetupFailed);
        runner.detail = Some(error);
        self.on_start_failed(now, runner.replica, FailedStart::of(&runner));
        self.finish_runner(now, runner, None);
        self.abort_restart_of(now, id, Reason::SetupFailed);
    }

    /// A runner is not ready in time (S35c).
    pub(super) fn on_startup_timeout(&mut self, now: Time, id: RunnerId) {
        let Some(runner) = self.runners.get_mut(&id) else { return };
        let limit = duration(self.settings.startup_limit());
        let late = format!("{NOT_READY} {limit} (`startup_timeout`, `fal-host --startup-timeout`)");
        if runner.detail.is_none() {
            runner.detail = Some(runner.not_ready_and(&late));
        }
        self.terminate(now, id, Reason::StartupTimeout);
    }

    /// A start has failed: the next start of its replica may have to wait (S35d).
    pub(super) fn on_start_failed(&mut self, now: Time, index: ReplicaIndex, failed: FailedStart) {
        self.last_failed_start = Some(failed);
        if let Some(replica) = self.replicas.get_mut(&index) {
            replica.backoff.failed(now);
        }
    }

    pub(super) fn on_progress(&mut self, id: RunnerId, progress: Progress) {
        let Some(runner) = self.runners.get_mut(&id) else { return };
        if matches!(runner.phase, Phase::Setup { .. }) {
            runner.progress = Some(progress.clone());
            self.emit(id, EventKind::Progress(progress));
        }
    }

    /// A runner is not ready, and the host knows what is missing (S49c, S61d).
    pub(super) fn on_not_ready(&mut self, id: RunnerId, detail: String) {
        let is_starting = |it: &&mut Runner| matches!(it.phase, Phase::Pending { .. } | Phase::Setup { .. });
        if let Some(runner) = self.runners.get_mut(&id).filter(is_starting) {
            runner.not_ready = Some(detail);
        }
    }

    pub(super) fn on_ready(&mut self, now: Time, id: RunnerId) {
        let Some(runner) = self.runners.get_mut(&id) else { return };
        if !matches!(runner.phase, Phase::Setup { .. }) {
            return;
        }
        (runner.progress, runner.detail, runner.not_ready) = (None, None, None);
        let after = now.since(runner.started);
        if self.settings.awaits_first_pass() {
            self.set_phase(id, Phase::AwaitingFirstPass);
            self.emit(id, EventKind::AwaitingFirstPass { after });
        } else {
            self.admit(now, id);
        }
        self.notify_monitor(now, id, fal_health::Event::Ready);
    }

    /// A runner may take requests: it enters the rotation, unless its replica is a spare (S75).
    pub(super) fn admit(&mut self, now: Time, id: RunnerId) {
        let Some(runner) = self.runners.get(&id) else { return };
        let after = now.since(runner.started);
        let stable_at = (!self.settings.has_periodic_checks()).then(|| now + STABLE_AFTER);
        let is_spare = self.spares.contains(&runner.replica);
        self.raise_age_limit(id, after);
        self.set_phase(id, Phase::Ready { stable_at });
        if is_spare {
            if let Some(runner) = self.runners.get_mut(&id) {
                runner.begin_step(StepKind::StandsBy, now);
            }
            self.emit(id, EventKind::StandsBy { after });
        } else {
            self.route(now, id);
        }
        self.begin_min_healthy(now, id);
        if let Some(runner) = self.runners.get(&id) {
            self.end_replacement(now, id, runner.replica);
        }
        if is_spare {
            self.on_spare_ready(now);
        }
    }

    /// Adds a runner to the rotation.
    pub(super) fn route(&mut self, now: Time, id: RunnerId) {
        let Some(runner) = self.runners.get_mut(&id) else { return };
        runner.routed = true;
        runner.begin_step(StepKind::InRotation, now);
        let (after, limit) = (now.since(runner.started), runner.limits.requests);
        self.routed += 1;
        self.has_admitted = true;
        self.commands.push(FleetCommand::Route(id));
        if let Some(limit) = limit {
            self.commands.push(FleetCommand::LimitRequests(id, limit));
        }
        self.emit(id, EventKind::Ready { after });
        self.update_dispatch(id);
    }

    /// The start of a runner counts as a success: its replica's backoff ends, and so does its replacement (S35e, S40b).
    pub(super) fn mark_stable(&mut self, now: Time, id: RunnerId) {
        let Some(runner) = self.runners.get_mut(&id) else { return };
        if std::mem::replace(&mut runner.stable, true) {
            return;
        }
        let index = runner.replica;
        let Some(replica) = self.replicas.get_mut(&index) else { return };
        replica.backoff.reset();
        if let Some(successor) = replica.successor {
            self.launch_waiting(successor);
        }
        self.end_replacement(now, id, index);
    }

    /// The replacement of a replica because of periodic checks, or at a limit, ends when its current runner is stable. Without
    /// periodic checks it ends when that runner is ready (S40b).
    pub(super) fn end_replacement(&mut self, now: Time, id: RunnerId, index: ReplicaIndex) {
        let is_over =
            |runner: &Runner| runner.stable || (runner.is_ready() && !self.settings.has_periodic_checks());
        let is_over = self.runners.get(&id).is_some_and(is_over);
        let Some(replica) = self.replicas.get(&index).filter(|_| is_over) else { return };
        let is_complete = replica.current == Some(id) && replica.successor.is_none();
        if is_complete && replica.replacement.is_some() {
            self.set_replacement(index, None);
            self.check_deferred(now);
        }
    }
}
