//! The thread that starts runners, one after another (S61a).

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{Builder, JoinHandle, sleep};
use std::time::Duration;

use rustix::process::Pid;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::id::RunnerId;
use crate::launch::{LaunchError, Launcher, RunnerHandle, StarterThread, StatusReporter};
use crate::threads;

/// What a launch returned.
pub(super) type LaunchResult = Result<Box<dyn RunnerHandle>, LaunchError>;

/// A runner that is to be started.
type LaunchOrder = (RunnerId, StatusReporter);

/// A thread that starts runners. It lives as long as this value, since some systems end child processes with the thread that
/// started them.
///
/// Dropping it drops the launcher, and waits for that. If a launch is in flight then, it kills the process that is being started,
/// and waits for at most [`LAST_LAUNCH`]. A runner that starts later is killed then, by the thread.
#[derive(Debug)]
pub(crate) struct LaunchThread {
    /// Dropped to end the thread.
    orders: Option<mpsc::UnboundedSender<LaunchOrder>>,
    results: mpsc::UnboundedReceiver<LaunchResult>,
    /// Whether a launch is in flight.
    is_launching: bool,
    /// The program of the runners, if they are child processes of the thread.
    program: Option<String>,
    starter: StarterThread,
    /// The child processes of the thread at the beginning of the launch in flight. A handle may not tell its process, and one may
    /// outlive SIGKILL and its handle.
    earlier: Vec<Pid>,
    /// `None` in a test whose launcher runs as a task.
    thread: Option<JoinHandle<()>>,
}

/// How long a host that ends waits for a launch whose process it has killed, and how often it looks.
const LAST_LAUNCH: Duration = Duration::from_millis(100);
const BETWEEN_LOOKS: Duration = Duration::from_millis(2);

impl LaunchThread {
    /// Starts the thread. The launcher runs in the context of this runtime.
    pub(crate) fn start(launcher: Box<dyn Launcher>, runtime: Handle) -> io::Result<Self> {
        let (mut started, work) = Self::new(launcher);
        let thread = Builder::new().name("fal-host-launch".to_owned());
        let this = started.starter.clone();
        let run = move || {
            this.begin();
            runtime.block_on(work);
        };
        started.thread = Some(threads::spawn(thread, run)?);
        Ok(started)
    }

    /// With a task of this runtime instead of a thread, for tests on paused time.
    #[cfg(test)]
    pub(super) fn task(launcher: impl Launcher) -> Self {
        let (thread, work) = Self::new(Box::new(launcher));
        tokio::spawn(work);
        thread
    }

    fn new(launcher: Box<dyn Launcher>) -> (Self, impl Future<Output = ()> + Send) {
        let (orders, order_queue) = mpsc::unbounded_channel();
        let (result_sender, results) = mpsc::unbounded_channel();
        let program = launcher.program();
        let (is_launching, starter, earlier, thread) = (false, StarterThread::default(), Vec::new(), None);
        let new = Self { orders: Some(orders), results, is_launching, program, starter, earlier, thread };
        (new, launch_all(launcher, order_queue, result_sender))
    }

    /// Starts a runner. Call it only while no launch is in flight.
    pub(super) fn launch(&mut self, id: RunnerId, reporter: StatusReporter) {
        self.is_launching = true;
        self.earlier = self.starter.children();
        if let Some(orders) = &self.orders {
            // The thread ends only after this value.
            let _ = orders.send((id, reporter));
        }
    }

    /// The result of the launch in flight. Cancel safe.
    pub(super) async fn result(&mut self) -> Option<LaunchResult> {
        let result = self.results.recv().await;
        self.is_launching = false;
        result
    }

    /// The program that is being started and its process. `None` if there is no process yet, or the launcher starts runners in
    /// another way.
    pub(super) fn unstarted(&self) -> Option<(&str, Pid)> {
        let program = self.program_in_start()?;
        Some((program, self.starter.new_children(&self.earlier).first().copied()?))
    }

    /// Kills the process that is being started. There may be several for a moment.
    pub(super) fn kill_unstarted(&self) {
        if self.program_in_start().is_some() {
            self.starter.kill_new_children(&self.earlier);
        }
    }

    fn program_in_start(&self) -> Option<&str> {
        self.program.as_deref().filter(|_| self.is_launching && self.results.is_empty())
    }
}

impl Drop for LaunchThread {
    fn drop(&mut self) {
        self.orders = None;
        self.results.close();
        if let Ok(result) = self.results.try_recv() {
            self.is_launching = false;
            kill(result);
        }
        let Some(thread) = self.thread.take() else { return };
        if self.is_launching {
            self.kill_unstarted();
            let mut waited = Duration::ZERO;
            while !thread.is_finished() && waited < LAST_LAUNCH {
                sleep(BETWEEN_LOOKS);
                waited += BETWEEN_LOOKS;
            }
        }
        if !self.is_launching || thread.is_finished() {
            // A panic of the thread has been printed.
            let _ = thread.join();
        }
    }
}

async fn launch_all(
    mut launcher: Box<dyn Launcher>,
    mut orders: mpsc::UnboundedReceiver<LaunchOrder>,
    results: mpsc::UnboundedSender<LaunchResult>,
) {
    while let Some((id, reporter)) = orders.recv().await {
        let caught = catch_unwind(AssertUnwindSafe(|| launcher.launch(id, reporter)));
        let result = caught.unwrap_or_else(|_| Err(LaunchError::new("the launcher panicked")));
        if let Err(mpsc::error::SendError(result)) = results.send(result) {
            kill(result);
        }
    }
}

/// Kills a runner whose host has ended meanwhile.
fn kill(result: LaunchResult) {
    if let Ok(mut runner) = result {
        runner.kill();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex, PoisonError};
    use std::thread::{self, ThreadId};

    use fal_health::protocol::Address;

    use super::*;

    /// What a launcher and its runners have done.
    #[derive(Clone, Default)]
    struct Seen(Arc<Mutex<Vec<(&'static str, ThreadId)>>>);

    impl Seen {
        fn note(&self, what: &'static str) {
            self.lock().push((what, thread::current().id()));
        }

        fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(&'static str, ThreadId)>> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }

        fn names(&self) -> Vec<&'static str> {
            self.lock().iter().map(|(what, _)| *what).collect()
        }
    }

    /// Fails by a panic at the first launch if `panics`.
    struct Noting {
        seen: Seen,
        panics: bool,
    }

    struct NotingRunner(Seen);

    impl Launcher for Noting {
        fn launch(&mut self, _: RunnerId, _: StatusReporter) -> LaunchResult {
            self.seen.note("launched");
            assert!(!std::mem::take(&mut self.panics), "a bug of the launcher");
            Ok(Box::new(NotingRunner(self.seen.clone())))
        }
    }

    impl Drop for Noting {
        fn drop(&mut self) {
            self.seen.note("dropped");
        }
    }

    impl RunnerHandle for NotingRunner {
        fn address(&self) -> Address {
            Address::Unix("/nowhere".into())
        }

        fn pid(&self) -> Option<u32> {
            None
        }

        fn terminate(&mut self) {}

        fn kill(&mut self) {
            self.0.note("killed");
        }
    }

    fn start(panics: bool) -> (LaunchThread, Seen) {
        let seen = Seen::default();
        let launcher = Noting { seen: seen.clone(), panics };
        (LaunchThread::start(Box::new(launcher), Handle::current()).unwrap(), seen)
    }

    fn launch(launches: &mut LaunchThread, id: u64) {
        let id = RunnerId::new(id);
        launches.launch(id, StatusReporter::new(id, 0, mpsc::unbounded_channel().0));
    }

    #[tokio::test]
    async fn one_thread_makes_all_launches_and_its_end_is_waited_for_s61a_s61c() {
        let (mut launches, seen) = start(false);
        for id in 1..=2 {
            launch(&mut launches, id);
            launches.result().await.unwrap().unwrap();
        }
        drop(launches);
        assert_eq!(seen.names(), ["launched", "launched", "dropped"]);
        let seen = seen.lock();
        assert!(seen.iter().all(|(_, thread)| *thread == seen[0].1 && *thread != thread::current().id()));
    }

    #[tokio::test]
    async fn a_launch_that_panics_has_failed_and_the_next_one_starts_s61a() {
        let (mut launches, _) = start(true);
        launch(&mut launches, 1);
        let error = launches.result().await.unwrap().err().unwrap();
        assert_eq!(error.to_string(), "the launcher panicked");
        launch(&mut launches, 2);
        assert!(launches.result().await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn a_runner_whose_start_the_host_has_not_noticed_is_killed_s61c() {
        let (mut launches, seen) = start(false);
        launch(&mut launches, 1);
        drop(launches);
        while seen.names() != ["launched", "killed", "dropped"] {
            tokio::task::yield_now().await;
        }
    }
}
