//! How the fleet carries out what an operator orders for one runner (S87).

use fal_health::Time;

use super::Fleet;
use super::order::{OrderError, RunnerOrder};
use super::record::Reason;
use super::runner::{Phase, Runner};
use super::settings::ReplacementStrategy;
use crate::id::RunnerId;

impl Fleet {
    /// Whether an order has an effect now.
    pub(crate) fn accepts(&self, id: RunnerId, order: RunnerOrder) -> Result<(), OrderError> {
        if self.is_stopping() {
            return Err(OrderError::HostStopping);
        }
        let runner = self.runners.get(&id).ok_or(OrderError::Unknown)?;
        let ending = || Err(OrderError::Ending(runner.reason.unwrap_or(Reason::Operator)));
        match (runner.phase, order) {
            (Phase::CrashBackoff { .. } | Phase::Pending { .. }, _) => Err(OrderError::NotStarted),
            (Phase::Terminating { .. }, RunnerOrder::Kill) => Ok(()),
            (Phase::Killed { .. } | Phase::Terminating { .. }, _)
            | (Phase::Draining { .. }, RunnerOrder::Drain | RunnerOrder::Replace) => ending(),
            _ => Ok(()),
        }
    }

    /// Whether a check that an operator asks for can be made now.
    pub(crate) fn accepts_check(&self, id: RunnerId) -> Result<(), OrderError> {
        if self.is_stopping() {
            return Err(OrderError::HostStopping);
        }
        let runner = self.runners.get(&id).ok_or(OrderError::Unknown)?;
        if self.settings.health.is_none() {
            return Err(OrderError::NoHealthCheck);
        }
        if runner.is_ready() { Ok(()) } else { Err(OrderError::NotInRotation) }
    }

    /// Carries out an order, if it has an effect.
    pub(super) fn on_ordered(&mut self, now: Time, id: RunnerId, order: RunnerOrder) {
        if self.accepts(id, order).is_err() {
            return;
        }
        let Some(runner) = self.runners.get_mut(&id) else { return };
        let is_in_service = runner.is_ready();
        let is_start_first = self.settings.replacement_strategy == ReplacementStrategy::StartFirst;
        if order == RunnerOrder::Replace && is_in_service && is_start_first {
            return self.on_limit_reached(id, Reason::Operator);
        }
        runner.detail.get_or_insert_with(|| format!("an operator ordered: {}", order.name()));
        match order {
            RunnerOrder::Drain | RunnerOrder::Replace => self.drain(now, id, Reason::Operator),
            RunnerOrder::Stop => self.terminate(now, id, Reason::Operator),
            RunnerOrder::Kill => {
                let index = runner.replica;
                runner.reason.get_or_insert(Reason::Operator);
                self.kill_runner(now, id);
                self.vacate(now, id, index);
            }
        }
    }

    /// Makes a check that an operator asks for (S87b).
    pub(super) fn on_check_ordered(&mut self, now: Time, id: RunnerId) {
        if self.runners.get(&id).is_some_and(Runner::is_ready) {
            self.notify_monitor(now, id, fal_health::Event::ManualRequested);
        }
    }
}
