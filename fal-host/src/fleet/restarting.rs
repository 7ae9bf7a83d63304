//! How a rolling restart replaces the runners, one after another.

use fal_health::Time;

use super::Fleet;
use super::record::Reason;
use super::rolling_restart::RollingRestart;
use super::runner::{Phase, Runner};
use super::settings::ReplacementStrategy;
use crate::id::RunnerId;

impl Fleet {
    /// Starts a rolling restart of every runner that exists now. During another one it starts again, so that the runners
    /// which that one has started are replaced too.
    pub(super) fn on_restart(&mut self, now: Time) {
        if self.is_stopping() {
            return;
        }
        let current = self.rolling_restart.as_ref().and_then(|restart| restart.current);
        let runners = self.replicas.iter().flat_map(|replica| [replica.current, replica.successor]);
        self.rolling_restart = Some(RollingRestart { remaining: runners.flatten().collect(), current });
        self.advance_restart(now);
    }

    /// Continues with the next runner when the last one has ended and its successor takes requests.
    pub(super) fn advance_restart(&mut self, now: Time) {
        if self.is_stopping() {
            self.rolling_restart = None;
        }
        while let Some(restart) = &mut self.rolling_restart {
            if let Some((old, index)) = restart.current {
                let successor = self.replicas.get(index.0).and_then(|replica| replica.current);
                let ready = successor.and_then(|id| self.runners.get(&id)).is_some_and(Runner::is_ready);
                if self.runners.contains_key(&old) || !ready {
                    return;
                }
                restart.current = None;
            }
            match restart.remaining.pop_front() {
                Some(id) => self.restart_runner(now, id),
                None => self.rolling_restart = None,
            }
        }
    }

    fn restart_runner(&mut self, now: Time, id: RunnerId) {
        let Some((phase, index)) = self.runners.get(&id).map(|runner| (runner.phase, runner.replica)) else {
            return;
        };
        match phase {
            Phase::Ready { .. } if self.settings.replacement_strategy == ReplacementStrategy::StartFirst => {
                // A successor that is starting already becomes the successor of this restart.
                if self.replicas.get(index.0).is_some_and(|replica| replica.successor.is_none()) {
                    let successor = self.create_runner(now, index);
                    if let Some(replica) = self.replicas.get_mut(index.0) {
                        replica.successor = Some(successor);
                    }
                }
            }
            Phase::Ready { .. } => self.drain(now, id, Reason::Restarted),
            // It has no requests to finish.
            Phase::Setup { .. } | Phase::AwaitingFirstPass => self.terminate(now, id, Reason::Restarted),
            // The first two have not started yet, and the others are being replaced already.
            Phase::CrashBackoff { .. }
            | Phase::Pending
            | Phase::Draining { .. }
            | Phase::Terminating { .. }
            | Phase::Killed { .. } => return,
        }
        if let Some(restart) = &mut self.rolling_restart {
            restart.current = Some((id, index));
        }
    }

    /// Makes a runner that is ready the current one of its replica, and drains the runner that it replaces.
    pub(super) fn promote_successor(&mut self, now: Time, id: RunnerId) {
        let Some(index) = self.runners.get(&id).map(|runner| runner.replica) else { return };
        let Some(replica) = self.replicas.get(index.0) else { return };
        if replica.successor == Some(id)
            && let Some(old) = replica.current
        {
            self.drain(now, old, Reason::Restarted);
        }
    }
}
