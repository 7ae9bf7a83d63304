//! The shell's loop: carries out what the fleet decides, and tells it what happened. It decides nothing.

use std::collections::{BTreeMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fal_health::{Check, Inconclusive, Outcome, Time, Trigger};
use futures_util::FutureExt;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};

use crate::RunnerId;
use crate::clock::Clock;
use crate::events::{self, Event};
use crate::fleet::{Effect, Fleet, FleetSettings, Happening, Input};
use crate::launch::{Launch, Launched, Notices};
use crate::probe::{Call, Finding, Prober};
use crate::proxy::{Balancer, Report};
use crate::snapshot::Snapshot;

/// A process that crashes takes its listener with it a little before its end can be seen. An unreachable runner is
/// given this long to turn out to have exited (S36).
const EXIT_LAG: Duration = Duration::from_millis(50);

/// A timer that is this late says that the host was stopped, or kept from running.
const HELD_UP: Duration = Duration::from_millis(100);

/// How long it then waits for news of what has happened meanwhile, before it acts on what has not.
const CATCHING_UP: Duration = Duration::from_millis(500);

/// What the driver needs from the start.
pub(crate) struct Parts {
    pub(crate) settings: FleetSettings,
    pub(crate) call: Option<Call>,
    pub(crate) launcher: Box<dyn Launch>,
    pub(crate) balancer: Arc<Balancer>,
    pub(crate) asked: Arc<tokio::sync::Notify>,
    pub(crate) reports: mpsc::UnboundedReceiver<Report>,
    pub(crate) orders: mpsc::UnboundedReceiver<Order>,
    pub(crate) events: broadcast::Sender<Event>,
}

/// What the host's handle and its admin interface ask for.
#[derive(Debug)]
pub(crate) enum Order {
    Restart,
    Stop,
    Kill,
    Snapshot(oneshot::Sender<Snapshot>),
}

pub(crate) struct Driver {
    clock: Clock,
    fleet: Fleet,
    call: Option<Arc<Call>>,
    launcher: Box<dyn Launch>,
    balancer: Arc<Balancer>,
    events: broadcast::Sender<Event>,
    runners: BTreeMap<RunnerId, Runner>,
    inputs: mpsc::UnboundedSender<Input>,
    /// What executing effects has brought about, in order.
    pending: VecDeque<(Time, Input)>,
    /// Nobody is left to give orders.
    abandoned: bool,
    stopped: bool,
}

struct Runner {
    launched: Box<dyn Launched>,
    prober: Option<Prober>,
    check: Option<AbortHandle>,
}

impl Driver {
    /// Runs until no runner is left of a host that was told to stop.
    pub(crate) async fn run(parts: Parts) {
        let Parts { settings, call, launcher, balancer, asked, mut reports, mut orders, events } = parts;
        let clock = Clock::start();
        let (inputs, mut happened) = mpsc::unbounded_channel();
        let (fleet, effects) = Fleet::start(clock.now(), settings);
        let mut driver = Self {
            clock,
            fleet,
            call: call.map(Arc::new),
            launcher,
            balancer,
            events,
            runners: BTreeMap::new(),
            inputs,
            pending: VecDeque::new(),
            abandoned: false,
            stopped: false,
        };
        driver.carry_out(effects);
        driver.settle();
        let mut not_before = Instant::now();
        while !driver.stopped {
            let due = driver.fleet.deadline().map(|due| clock.instant(due));
            let wake = due.map(|due| due.max(not_before));
            tokio::select! {
                Some(input) = happened.recv() => driver.tell(input),
                () = asked.notified() => {
                    for id in driver.balancer.take_asked() {
                        driver.tell(Input::ManualRequested { id });
                    }
                }
                Some(report) = reports.recv() => driver.report(report),
                order = orders.recv(), if !driver.abandoned => driver.order(order),
                () = sleep_until(wake.unwrap_or(not_before)), if wake.is_some() => {
                    // What was due before it last waited for news is not put off again.
                    if due.is_some_and(|due| due > not_before && due.elapsed() > HELD_UP) {
                        not_before = Instant::now() + CATCHING_UP;
                    } else {
                        driver.tell(Input::Elapsed);
                    }
                }
            }
        }
    }

    fn report(&mut self, report: Report) {
        match report {
            Report::Drained(id) => self.tell(Input::Drained { id }),
            Report::Unreachable(id) => {
                let inputs = self.inputs.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(EXIT_LAG).await;
                    let _ = inputs.send(Input::Unreachable { id });
                });
            }
        }
    }

    fn order(&mut self, order: Option<Order>) {
        // A host whose handle was dropped ends: nobody could ever stop it.
        self.abandoned = order.is_none();
        match order {
            Some(Order::Restart) => self.tell(Input::Restart),
            Some(Order::Stop) => self.tell(Input::Stop),
            Some(Order::Kill) | None => self.tell(Input::Kill),
            Some(Order::Snapshot(reply)) => {
                let _ = reply.send(Snapshot::of(&self.fleet, &self.clock, &self.balancer));
            }
        }
    }

    fn tell(&mut self, input: Input) {
        self.pending.push_back((self.clock.now(), input));
        self.settle();
    }

    fn settle(&mut self) {
        while let Some((at, input)) = self.pending.pop_front() {
            let effects = self.fleet.handle(at, input);
            self.carry_out(effects);
        }
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Launch(id) => self.launch(id),
                Effect::Route(id) => {
                    if let Some(runner) = self.runners.get(&id) {
                        self.balancer.add(id, runner.launched.address());
                    }
                }
                Effect::Unroute(id) => {
                    self.balancer.remove(id);
                    if let Some(prober) = self.runners.get(&id).and_then(|runner| runner.prober.as_ref()) {
                        prober.close();
                    }
                }
                Effect::Terminate(id) => self.launched(id, |launched| launched.terminate()),
                Effect::Kill(id) => self.launched(id, |launched| launched.kill()),
                Effect::StartCheck(id, check) => self.start_check(id, check),
                Effect::DropCheck(id) => {
                    if let Some(check) = self.runners.get_mut(&id).and_then(|runner| runner.check.take()) {
                        check.abort();
                    }
                }
                Effect::ReleaseSlots(id) => self.balancer.release_held(id),
                Effect::ManualCheckEnded(id) => self.balancer.manual_check_ended(id),
                Effect::Forget(id) => {
                    self.balancer.forget(id);
                    self.runners.remove(&id);
                }
                Effect::Emit(id, happening) => self.emit(id, happening),
                Effect::Stopped => self.stopped = true,
            }
        }
    }

    fn launch(&mut self, id: RunnerId) {
        let started = self.clock.now();
        let input = match self.launcher.launch(id, Notices::new(id, self.inputs.clone())) {
            Ok(launched) => {
                let pid = launched.pid();
                let prober = self.call.clone().map(|call| Prober::new(launched.check_address(), call));
                self.runners.insert(id, Runner { launched, prober, check: None });
                Input::Launched { id, pid }
            }
            Err(error) => Input::LaunchFailed { id, error: error.chain() },
        };
        self.pending.push_back((started, input));
    }

    fn launched(&mut self, id: RunnerId, signal: impl FnOnce(&mut dyn Launched)) {
        if let Some(runner) = self.runners.get_mut(&id) {
            signal(runner.launched.as_mut());
        }
    }

    fn start_check(&mut self, id: RunnerId, check: Check) {
        if check.trigger == Trigger::Manual {
            self.balancer.manual_check_started(id);
        }
        let Some(runner) = self.runners.get_mut(&id) else { return };
        let Some(prober) = runner.prober.clone() else { return };
        let inputs = self.inputs.clone();
        let task = tokio::spawn(async move {
            let Finding { outcome, stalled } = finding(prober.check(check)).await;
            let _ = inputs.send(Input::CheckFinished { id, check: check.id, outcome, stalled });
        });
        runner.check = Some(task.abort_handle());
    }

    fn emit(&self, runner: RunnerId, happening: Happening) {
        events::log(runner, &happening);
        // Nobody has to listen.
        let _ = self.events.send(Event { at: SystemTime::now(), runner, happening });
    }
}

/// What a check has found. One that panics has asked nothing; without an outcome it would be in flight for ever.
async fn finding(check: impl Future<Output = Finding>) -> Finding {
    AssertUnwindSafe(check)
        .catch_unwind()
        .await
        .unwrap_or(Finding { outcome: Outcome::Inconclusive(Inconclusive::CouldNotAsk), stalled: None })
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use tokio::sync::Notify;

    use super::*;
    use crate::launch::LaunchError;
    use crate::proxy::{Limits, ManualChecks, Origins, Reports};
    use crate::{Address, RunnerState};

    /// Starts runners that do what the test says.
    struct Told(mpsc::UnboundedSender<Notices>);

    struct Quiet;

    impl Launch for Told {
        fn launch(&mut self, _: RunnerId, notices: Notices) -> Result<Box<dyn Launched>, LaunchError> {
            self.0.send(notices).unwrap();
            Ok(Box::new(Quiet))
        }
    }

    impl Launched for Quiet {
        fn address(&self) -> Address {
            Address::Unix("/nowhere".into())
        }

        fn pid(&self) -> Option<u32> {
            None
        }

        fn terminate(&mut self) {}

        fn kill(&mut self) {}
    }

    /// Who gives orders to a driver, and the runners that it starts.
    fn driven(settings: FleetSettings) -> (mpsc::UnboundedSender<Order>, mpsc::UnboundedReceiver<Notices>) {
        let (orders, order_queue) = mpsc::unbounded_channel();
        let (events, reports) = mpsc::unbounded_channel();
        let (started, runners) = mpsc::unbounded_channel();
        let asked = Arc::new(Notify::new());
        let limits = Limits {
            clients: 1,
            queue: 1,
            queue_timeout: Duration::from_secs(1),
            request_timeout: None,
            max_multiplexing: 1,
            manual_checks: ManualChecks::Ignored,
            origins: Origins::default(),
        };
        let parts = Parts {
            settings,
            call: None,
            launcher: Box::new(Told(started)),
            balancer: Balancer::new(limits, Reports { asked: Arc::clone(&asked), events }),
            asked,
            reports,
            orders: order_queue,
            events: broadcast::channel(events::BACKLOG).0,
        };
        tokio::spawn(Driver::run(parts));
        (orders, runners)
    }

    async fn snapshot(orders: &mpsc::UnboundedSender<Order>) -> Snapshot {
        let (reply, snapshot) = oneshot::channel();
        orders.send(Order::Snapshot(reply)).unwrap();
        snapshot.await.unwrap()
    }

    /// Stops a host for longer than a start may take. When it goes on, two things wait for it: a question, and the end of
    /// that time.
    async fn stopped_meanwhile(orders: &mpsc::UnboundedSender<Order>) {
        let (reply, answer) = oneshot::channel();
        orders.send(Order::Snapshot(reply)).unwrap();
        tokio::time::advance(Duration::from_secs(3600)).await;
        answer.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_that_was_stopped_waits_for_news_whatever_it_hears_first_s35c() {
        let (orders, mut runners) = driven(FleetSettings::new(NonZeroUsize::MIN));
        let notices = runners.recv().await.unwrap();
        stopped_meanwhile(&orders).await;
        tokio::time::sleep(CATCHING_UP / 2).await;
        notices.ready();
        tokio::time::sleep(CATCHING_UP).await;
        assert_eq!(snapshot(&orders).await.runners[0].state, RunnerState::Idle);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_due_is_put_off_once_whoever_keeps_asking_s35c() {
        let (orders, mut runners) = driven(FleetSettings::new(NonZeroUsize::MIN));
        let _never_ready = runners.recv().await.unwrap();
        stopped_meanwhile(&orders).await;
        let goes_on = Instant::now();
        while snapshot(&orders).await.runners[0].state == RunnerState::Setup {
            assert!(goes_on.elapsed() <= CATCHING_UP * 2, "it is put off for ever");
            tokio::time::sleep(CATCHING_UP / 10).await;
        }
        assert!(goes_on.elapsed() >= CATCHING_UP);
    }

    #[tokio::test]
    async fn a_check_that_panics_is_inconclusive_and_not_in_flight_for_ever_s20a() {
        let found = finding(async { panic!("a bug of the host") }).await;
        assert_eq!(found.outcome, Outcome::Inconclusive(Inconclusive::CouldNotAsk));
    }
}
