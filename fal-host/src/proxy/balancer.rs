use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout_at;

use super::refusal::Refusal;
use super::runner::Runner;
use super::slot::Slot;
use super::slots::{Arrival, Asked, Drained, Grant, Slots};
use super::turn::{Place, Turn};
use super::{Limits, ManualChecks, Report, Reports};
use crate::{Address, RunnerId};

/// Which runners take requests, and which requests wait for them.
///
/// The control side keeps the runners in it; requests take slots from it. Each call is a short critical section and
/// none waits for another party.
#[derive(Debug)]
pub(crate) struct Balancer {
    limits: Limits,
    reports: Reports,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    slots: Slots<Arc<Runner>, oneshot::Sender<Slot>>,
    stopping: bool,
}

/// A deadline further away than this cannot be told from none.
const LONGEST_WAIT: Duration = Duration::from_secs(86_400 * 365);

/// How long a runner that has broken off is given no request. A process that dies closes its sockets one after the other,
/// within a millisecond on a machine that has time for it, the listener among the last.
const DOUBT: Duration = Duration::from_millis(5);

impl Balancer {
    /// A balancer of no runners: requests wait until one is added.
    pub(crate) fn new(mut limits: Limits, reports: Reports) -> Arc<Self> {
        limits.queue_timeout = limits.queue_timeout.min(LONGEST_WAIT);
        let slots = Slots::new(limits.max_multiplexing.max(1));
        Arc::new(Self { limits, reports, state: Mutex::new(State { slots, stopping: false }) })
    }

    /// The runner takes requests from now on.
    pub(crate) fn add(self: &Arc<Self>, id: RunnerId, address: Address) {
        self.lock().slots.add(id, Arc::new(Runner::new(id, address)));
        self.hand_out();
    }

    /// The runner leaves the rotation. Requests in flight go on; its idle connections are closed; slots held for a
    /// check are given back (S30), and what its responses ask for from now on is ignored (S32). Once nothing is in
    /// flight, [`Report::Drained`] says so.
    pub(crate) fn remove(&self, id: RunnerId) {
        let (runner, drained) = {
            let slots = &mut self.lock().slots;
            (slots.route(id).cloned(), slots.remove(id))
        };
        if let Some(runner) = runner {
            runner.close();
        }
        self.report_drained(id, drained);
    }

    /// The runner's process is gone: all that is known of it is dropped.
    pub(crate) fn forget(&self, id: RunnerId) {
        let runner = self.lock().slots.forget(id);
        if let Some(runner) = runner {
            runner.close();
        }
    }

    /// How many requests the runner serves, those included whose client has left and whose call may still run (S38).
    pub(crate) fn in_flight(&self, id: RunnerId) -> u32 {
        self.lock().slots.in_flight(id)
    }

    /// The runners whose responses have asked for a manual check since the last call.
    pub(crate) fn take_asked(&self) -> Vec<RunnerId> {
        self.lock().slots.take_asked()
    }

    /// A manual check of the runner starts: it answers all who have asked until now (S31).
    pub(crate) fn manual_check_started(&self, id: RunnerId) {
        self.lock().slots.check_started(id);
    }

    /// The manual check has ended: the slots of the requests that it answers are given back (S30).
    pub(crate) fn manual_check_ended(self: &Arc<Self>, id: RunnerId) {
        self.lock().slots.check_ended(id);
        self.hand_out();
    }

    /// The manual check was inconclusive: every slot that the runner's requests hold for a check is given back (S20).
    pub(crate) fn release_held(self: &Arc<Self>, id: RunnerId) {
        self.lock().slots.release_held(id);
        self.hand_out();
    }

    /// The host stops: requests that wait, and those that come from now on, are refused (S41).
    pub(crate) fn stop(&self) {
        let waiting = {
            let mut state = self.lock();
            state.stopping = true;
            state.slots.give_up_all()
        };
        drop(waiting);
    }

    pub(super) const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// A slot for a request: at once if there is one, or after its time in the queue.
    pub(super) async fn slot(self: &Arc<Self>, turn: &mut Turn) -> Result<Slot, Refusal> {
        let place = {
            let mut state = self.lock();
            if state.stopping {
                return Err(Refusal::HostStopping);
            }
            let arrival = *turn.arrival.get_or_insert_with(|| state.slots.arrive());
            if let Some(runner) = state.slots.take(arrival) {
                return Ok(Slot::new(Arc::clone(self), runner));
            }
            if state.slots.waiting() >= self.limits.queue && !turn.has_moved() {
                return Err(Refusal::QueueFull { limit: self.limits.queue });
            }
            let (sender, slot) = oneshot::channel();
            state.slots.wait(arrival, sender);
            Place::new(Arc::clone(self), arrival, slot)
        };
        let timeout = self.limits.queue_timeout;
        match timeout_at(turn.deadline(timeout), place).await {
            Ok(slot) => slot,
            Err(_) => Err(Refusal::QueueTimeout { after: timeout }),
        }
    }

    pub(super) fn give_up(&self, arrival: Arrival) {
        let waiter = self.lock().slots.give_up(arrival);
        drop(waiter);
    }

    pub(super) fn give_back(self: &Arc<Self>, runner: &Runner, asked: Option<Asked>) {
        let (drained, grant) = {
            let slots = &mut self.lock().slots;
            (slots.give_back(runner.id, asked), slots.next_grant())
        };
        self.report_drained(runner.id, drained);
        if let Some(grant) = grant {
            self.hand_over(grant);
        }
    }

    /// A response of the runner asks for a manual check (S27).
    pub(super) fn ask(&self, runner: &Runner) -> Option<Asked> {
        if matches!(self.limits.manual_checks, ManualChecks::Ignored) {
            runner.warn_of_no_health_check();
        }
        self.suspect(runner)
    }

    /// The runner is to be checked, as if a response had asked for it.
    pub(super) fn suspect(&self, runner: &Runner) -> Option<Asked> {
        if matches!(self.limits.manual_checks, ManualChecks::Ignored) {
            return None;
        }
        let asked = self.lock().slots.ask(runner.id)?;
        self.reports.asked.notify_one();
        Some(asked)
    }

    /// The runner has broken off a connection that had a request. It may be dying, and then what it is sent now is lost,
    /// too: so it is sent nothing for a moment, and then over fresh connections (S39).
    pub(super) fn doubt(self: &Arc<Self>, runner: &Runner) {
        self.lock().slots.doubt(runner.id);
        runner.close_idle();
        let (balancer, id) = (Arc::clone(self), runner.id);
        tokio::spawn(async move {
            tokio::time::sleep(DOUBT).await;
            balancer.lock().slots.trust(id);
            balancer.hand_out();
        });
    }

    pub(super) fn unreachable(&self, runner: &Runner) {
        let was_in_service = self.lock().slots.suspend(runner.id);
        if was_in_service {
            runner.close();
            self.report(Report::Unreachable(runner.id));
        }
    }

    /// How many requests wait for a slot.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.lock().slots.waiting()
    }

    /// How many of the runner's kept connections can be used.
    #[cfg(test)]
    pub(super) fn kept(&self, id: RunnerId) -> usize {
        self.lock().slots.route(id).map_or(0, |runner| runner.kept())
    }

    fn hand_out(self: &Arc<Self>) {
        loop {
            let grant = self.lock().slots.next_grant();
            let Some(grant) = grant else { return };
            self.hand_over(grant);
        }
    }

    /// Gives a slot to a request that waits. If it has just gone, the slot drops, and goes to the next.
    fn hand_over(self: &Arc<Self>, grant: Grant<Arc<Runner>, oneshot::Sender<Slot>>) {
        let slot = Slot::new(Arc::clone(self), grant.route);
        drop(grant.waiter.send(slot));
    }

    fn report_drained(&self, id: RunnerId, drained: Drained) {
        if drained == Drained::Yes {
            self.report(Report::Drained(id));
        }
    }

    /// Nobody listens any more only when the host is gone.
    fn report(&self, report: Report) {
        let _ = self.reports.events.send(report);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
