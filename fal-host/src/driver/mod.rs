//! The driver: the loop around the fleet. It executes the fleet's commands and reports events to it.

mod answers;
mod catch_up;
mod causes;
mod launch_in_flight;
mod launch_thread;
mod launches;
mod parts;
mod requests;
mod restarts;

use std::collections::{BTreeMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use fal_health::{Check, CheckId, Inconclusive, Outcome, Trigger};
use futures_util::FutureExt;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};

use self::catch_up::CatchUp;
use self::launch_in_flight::LaunchInFlight;
use self::launch_thread::LaunchResult;
pub(crate) use self::launch_thread::LaunchThread;
pub(crate) use self::parts::DriverParts;
pub(crate) use self::requests::ControlRequest;
pub(crate) use self::restarts::RestartProgress;
use self::restarts::Restarts;
use crate::client_policy::ClientPolicy;
use crate::clock::Clock;
use crate::event_json::{EventSource, to_json};
use crate::event_log::{Content, EventLog, LoggedPass};
use crate::events::{self, Event};
use crate::evidence::EvidenceStore;
use crate::fleet::{EventKind, Finding, Fleet, FleetCommand, FleetEvent, GaveUp, ReplicaIndex};
use crate::id::RunnerId;
use crate::launch::RunnerHandle;
use crate::memory::MemorySampler;
use crate::metrics::FleetMetrics;
use crate::probe::{ProbeTarget, Prober};
use crate::proxy::{AwaitedRunner, Balancer, Report};
use crate::upgrade_status::UpgradeStatus;

pub(crate) struct Driver {
    clock: Clock,
    fleet: Fleet,
    probe_target: Option<Arc<ProbeTarget>>,
    launch_thread: LaunchThread,
    balancer: Arc<Balancer>,
    metrics: FleetMetrics,
    events: broadcast::Sender<Event>,
    event_log: Arc<EventLog>,
    client_policy: watch::Sender<ClientPolicy>,
    gave_up: Arc<OnceLock<GaveUp>>,
    evidence: EvidenceStore,
    runners: BTreeMap<RunnerId, LiveRunner>,
    fleet_events: mpsc::UnboundedSender<FleetEvent>,
    /// Runners that are to be started, the first one first.
    launches: VecDeque<(RunnerId, ReplicaIndex)>,
    launching: Option<LaunchInFlight>,
    restarts: Restarts,
    /// How far the last upgrade is.
    upgrade: Option<UpgradeStatus>,
    /// The host's handle was dropped.
    handle_dropped: bool,
    stopped: bool,
}

/// What ends a wait of the driver.
enum Turn {
    Event(FleetEvent),
    /// Responses have asked for checks.
    ChecksAsked,
    MemoryDue,
    Report(Report),
    /// `None`: the host's handle was dropped.
    Request(Option<ControlRequest>),
    Deadline,
    LaunchDue,
    Launched(LaunchResult),
}

/// What the driver holds of a runner that was launched.
struct LiveRunner {
    handle: Box<dyn RunnerHandle>,
    prober: Option<Arc<Prober>>,
    /// The check in flight. The handle of one that has ended would keep its memory.
    check: Option<(CheckId, AbortHandle)>,
}

impl Driver {
    /// Runs until the host was told to stop and no runner is left.
    pub(crate) async fn run(parts: DriverParts, launch_thread: LaunchThread) {
        let DriverParts { settings, asked, mut reports, mut requests, .. } = parts;
        let clock = Clock::start();
        let (fleet_events, mut fleet_event_queue) = mpsc::unbounded_channel();
        let samples_memory = settings.limits.memory.is_some();
        let (fleet, commands) = Fleet::start(clock.now(), settings);
        let mut driver = Self {
            clock: clock.clone(),
            fleet,
            probe_target: parts.probe_target.map(Arc::new),
            launch_thread,
            balancer: parts.balancer,
            metrics: FleetMetrics::new(),
            events: parts.events,
            event_log: parts.event_log,
            client_policy: parts.client_policy,
            gave_up: parts.gave_up,
            evidence: EvidenceStore::default(),
            runners: BTreeMap::new(),
            fleet_events,
            launches: VecDeque::new(),
            launching: None,
            restarts: Restarts::default(),
            upgrade: None,
            handle_dropped: false,
            stopped: false,
        };
        driver.execute(commands);
        driver.show_awaited();
        let mut memory = MemorySampler::new(samples_memory, driver.fleet_events.clone());
        let mut catch_up = CatchUp::new();
        let mut alarm = pin!(sleep_until(Instant::now()));
        while !driver.stopped {
            let deadline = catch_up.sleep(clock.now(), driver.deadline());
            let wake = deadline.map(|deadline| clock.instant(deadline));
            if let Some(wake) = wake
                && alarm.deadline() != wake
            {
                alarm.as_mut().reset(wake);
            }
            let turn = tokio::select! {
                Some(event) = fleet_event_queue.recv() => Turn::Event(event),
                () = asked.notified() => Turn::ChecksAsked,
                () = memory.due() => Turn::MemoryDue,
                Some(report) = reports.recv() => Turn::Report(report),
                request = requests.recv(), if !driver.handle_dropped => Turn::Request(request),
                () = &mut alarm, if wake.is_some() => Turn::Deadline,
                () = std::future::ready(()), if driver.is_launch_due() => Turn::LaunchDue,
                Some(result) = driver.launch_thread.result() => Turn::Launched(result),
            };
            catch_up.wake(clock.now());
            driver.clock.follow(SystemTime::now());
            if let (Turn::Deadline, Some(deadline)) = (&turn, deadline) {
                driver.metrics.lagged(clock.now().since(deadline));
            }
            match turn {
                Turn::Event(event) => driver.on_event(event),
                Turn::ChecksAsked => {
                    for id in driver.balancer.take_asked() {
                        driver.handle(FleetEvent::ManualRequested { id });
                    }
                }
                Turn::MemoryDue => memory.sample(driver.processes()),
                Turn::Report(report) => driver.on_report(report),
                Turn::Request(request) => driver.on_request(request),
                Turn::Deadline if catch_up.is_over(clock.now()) => driver.on_deadline(),
                Turn::Deadline => {}
                Turn::LaunchDue => driver.launch_next(),
                Turn::Launched(result) => driver.on_launched(result),
            }
        }
    }

    fn on_report(&mut self, report: Report) {
        match report {
            Report::RequestsReached(id) => self.handle(FleetEvent::RequestsReached { id }),
            Report::Drained(id) => self.handle(FleetEvent::Drained { id }),
            Report::StopRequested(id) => self.handle(FleetEvent::StopRequested { id }),
            Report::Unreachable(id, refused) => self.handle(FleetEvent::Unreachable { id, refused }),
        }
    }

    /// Hands an event to the fleet and executes the commands that follow.
    fn handle(&mut self, event: FleetEvent) {
        if let FleetEvent::CheckFinished { id, check, .. } = event
            && let Some(runner) = self.runners.get_mut(&id)
        {
            runner.check.take_if(|(in_flight, _)| *in_flight == check);
        }
        let commands = self.fleet.handle(self.clock.now(), event);
        self.execute(commands);
        self.show_awaited();
    }

    /// Tells the balancer which runner requests wait for.
    fn show_awaited(&mut self) {
        if !self.fleet.is_ready() {
            let awaited = self.fleet.awaited().map(|(runner, since)| AwaitedRunner {
                id: runner.id(),
                state: runner.state(),
                awaits_first_pass: runner.awaits_first_pass(),
                since: self.clock.instant(since),
            });
            self.balancer.set_awaited(awaited);
        }
    }

    fn execute(&mut self, commands: Vec<FleetCommand>) {
        for command in commands {
            match command {
                FleetCommand::Launch(id, index) => self.launches.push_back((id, index)),
                FleetCommand::Route(id) => {
                    if let Some(runner) = self.runners.get(&id) {
                        self.balancer.add(id, runner.handle.address());
                    }
                }
                FleetCommand::LimitRequests(id, limit) => self.balancer.limit_requests(id, limit),
                FleetCommand::Unroute(id) => self.balancer.remove(id),
                FleetCommand::DispatchLast(id) => self.balancer.dispatch_last(id),
                FleetCommand::DispatchNormally(id) => self.balancer.dispatch_normally(id),
                FleetCommand::Terminate(id) => {
                    // A runner that stops waits for the end of every connection.
                    if let Some(prober) = self.runners.get(&id).and_then(|runner| runner.prober.as_ref()) {
                        prober.close();
                    }
                    self.ends_by_host(id);
                    self.balancer.remove_now(id);
                    self.with_handle(id, |handle| handle.terminate());
                }
                FleetCommand::Kill(id) => {
                    self.ends_by_host(id);
                    self.with_handle(id, |handle| handle.kill());
                }
                FleetCommand::StartCheck(id, check) => self.start_check(id, check),
                FleetCommand::CancelCheck(id) => {
                    if let Some((_, check)) = self.runners.get_mut(&id).and_then(|runner| runner.check.take())
                    {
                        check.abort();
                    }
                }
                FleetCommand::ReleasePermits(id) => self.balancer.release_held(id),
                FleetCommand::ManualCheckEnded(id) => self.balancer.manual_check_ended(id),
                FleetCommand::Forget(id) => {
                    let lost = self.balancer.forget(id);
                    self.evidence.begin(id).set_lost_requests(lost);
                    self.evidence.ended(id);
                    self.runners.remove(&id);
                }
                FleetCommand::Emit(id, kind) => self.emit(id, self.with_cause(id, kind)),
                FleetCommand::RestartEnded(outcome) => {
                    self.restarts.ended(&outcome.map_err(|error| self.with_cause_of_failure(error)));
                }
                FleetCommand::GiveUp(gave_up) => {
                    // The listener closes now, although runners may still be ending (S41a).
                    self.balancer.stop();
                    ClientPolicy::drain(&self.client_policy);
                    // A fleet gives up at most once.
                    let _ = self.gave_up.set(self.with_cause_of_end(gave_up));
                }
                FleetCommand::Stopped => {
                    self.stopped = true;
                    self.abandon_launch();
                }
            }
        }
    }

    /// The processes of the runners that have one of their own.
    fn processes(&self) -> Vec<(RunnerId, u32)> {
        let processes = self.runners.iter().map(|(id, runner)| Some((*id, runner.handle.pid()?)));
        processes.flatten().collect()
    }

    /// Tells the requests of a runner that the host ends it, and why.
    fn ends_by_host(&self, id: RunnerId) {
        let observed = self.fleet.observe_runner(id);
        if let Some(reason) = observed.and_then(|observed| observed.runner.reason()) {
            self.balancer.ends_by_host(id, reason);
        }
    }

    fn with_handle(&mut self, id: RunnerId, signal: impl FnOnce(&mut dyn RunnerHandle)) {
        if let Some(runner) = self.runners.get_mut(&id) {
            signal(runner.handle.as_mut());
        }
    }

    fn start_check(&mut self, id: RunnerId, check: Check) {
        if check.trigger == Trigger::Manual {
            let requester = self.balancer.manual_check_started(id);
            self.evidence.begin(id).check_requested(check.id, requester);
        }
        let Some(runner) = self.runners.get_mut(&id) else { return };
        let Some(prober) = runner.prober.clone() else { return };
        let (fleet_events, balancer) = (self.fleet_events.clone(), Arc::clone(&self.balancer));
        let task = tokio::spawn(async move {
            let found = catch_panic(prober.check(check)).await;
            let finding = Finding { is_wedged: balancer.is_wedged(id), ..found };
            if finding.is_wedged
                && finding.answer == Outcome::Pass
                && let Some(oldest) = balancer.oldest_request(id)
            {
                prober.evidence().check_failed(check.id, &format!("the oldest request is {oldest}"));
            }
            let _ = fleet_events.send(FleetEvent::CheckFinished { id, check: check.id, finding });
        });
        runner.check = Some((check.id, task.abort_handle()));
    }

    fn emit(&mut self, runner: RunnerId, kind: EventKind) {
        self.metrics.count(self.clock.now(), runner, &kind);
        let at = SystemTime::now();
        let pass = LoggedPass::of(&kind, at);
        // Nothing is kept about such a check.
        let evidence = self.evidence.of(runner).filter(|_| pass.is_none()).map(AsRef::as_ref);
        events::log(runner, &kind, evidence);
        let runner = Some(runner);
        let source = EventSource { runner, at, clock: &self.clock, evidence };
        self.event_log.push(kind.name(), runner, |id| match pass {
            Some(pass) => Content::Pass(pass),
            None => Content::Json(to_json(id, &kind, source).into()),
        });
        // An error means that there is no listener.
        let _ = self.events.send(Event { at, runner, kind });
    }
}

impl Driver {
    /// Publishes an event of the host itself.
    fn publish(&mut self, kind: EventKind) {
        let at = SystemTime::now();
        events::log_of_host(&kind);
        self.upgrade = UpgradeStatus::of(&kind, at).or(self.upgrade.take());
        let source = EventSource { runner: None, at, clock: &self.clock, evidence: None };
        let json = |id| Content::Json(to_json(id, &kind, source).into());
        self.event_log.push(kind.name(), None, json);
        let _ = self.events.send(Event { at, runner: None, kind });
    }
}

/// The result of a check. One that panics is inconclusive; without an outcome it would be in flight forever.
///
/// Not an `async fn`, whose future has room for the check twice.
fn catch_panic(check: impl Future<Output = Finding>) -> impl Future<Output = Finding> {
    let caught = AssertUnwindSafe(check).catch_unwind();
    caught.map(|found| found.unwrap_or_else(|_| Outcome::Inconclusive(Inconclusive::CouldNotAsk).into()))
}

#[cfg(test)]
mod outage;
#[cfg(test)]
mod tests;
