//! Starting runners: as processes ([`ProcessLauncher`], [`PortLauncher`]), or any other way ([`Launcher`]).

mod cgroup;
mod cgroup_entry;
mod channel;
mod directory;
#[cfg(feature = "cli")]
mod host_process;
mod orphans;
mod output;
mod own_program;
mod port;
mod process;
mod reap;
mod signals;
mod sockets;
mod spawn;
mod starter;
mod stop_signal;
mod vacancy;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use fal_health::metrics::MetricFamily;
use fal_health::protocol::{Address, Progress};
use tokio::sync::mpsc;

#[cfg(feature = "cli")]
pub(crate) use self::host_process::{FIRST_INHERITED, HostProcess};
#[cfg(feature = "cli")]
pub(crate) use self::orphans::UPGRADE_FROM;
pub use self::orphans::adopt_orphans;
#[cfg(feature = "cli")]
pub(crate) use self::orphans::keep_children_of_this_thread;
#[cfg(feature = "cli")]
pub(crate) use self::output::Lines;
#[cfg(feature = "cli")]
pub(crate) use self::own_program::own_program;
pub(crate) use self::port::NOT_LISTENING;
pub use self::port::PortLauncher;
pub use self::process::ProcessLauncher;
pub(crate) use self::process::this_program;
#[cfg(feature = "cli")]
pub(crate) use self::spawn::FOR_THE_HOST;
pub(crate) use self::starter::{NOT_EXECUTED, StarterThread, advice};
pub use self::stop_signal::{StopSignal, StopSignalTo};
use crate::RunnerId;
use crate::evidence::{Evidence, OutputStream};
use crate::fleet::{DEFAULT_STARTUP_TIMEOUT, Exit, FleetEvent, ReplacementStrategy};
use crate::metrics::RunnerMetrics;

/// Starts runners.
///
/// The host calls it on a thread that does nothing else and lives as long as the host, therefore it is [`Send`]. The thread
/// is in the context of the Tokio runtime of the host's checks, whose tasks must not block.
///
/// A launch may block, and delays only the launches after it ([S61](fal_health::semantics#s61)). Work that other runners need
/// not wait for belongs between the launch and [`StatusReporter::ready`]. A launch that panics has failed.
pub trait Launcher: Send + 'static {
    /// Starts one runner, which reports its status through `reporter`.
    ///
    /// # Errors
    ///
    /// If the runner cannot be started. This is a failed start: the host tries again, with a backoff
    /// ([S35](fal_health::semantics#s35)).
    fn launch(
        &mut self,
        id: RunnerId,
        reporter: StatusReporter,
    ) -> Result<Box<dyn RunnerHandle>, LaunchError>;

    /// The program that a launch executes as a child process of the thread that calls it. Default: `None`, it starts runners in
    /// another way. A launcher that lets another one launch returns that one's.
    ///
    /// While the system does not execute it, as when its file system does not answer, the launch cannot end. The host then
    /// names it ([S61d](fal_health::semantics#s61d)), and kills the child processes that the thread did not have when the launch began
    /// ([S61e](fal_health::semantics#s61e)).
    fn program(&self) -> Option<String> {
        None
    }
}

/// The host's handle of a started runner, used on the host's control thread. To drop it must not end the runner;
/// [`kill`](Self::kill) does.
pub trait RunnerHandle: Send {
    /// The address where the runner listens for requests once it is ready.
    fn address(&self) -> Address;

    /// The address where the runner answers health checks. Default: where it listens for requests.
    fn check_address(&self) -> Address {
        self.address()
    }

    /// The id of the runner's process, if it has a process of its own.
    fn pid(&self) -> Option<u32>;

    /// Tells the runner to stop gracefully, as SIGTERM does. Called at most once. Must not block.
    fn terminate(&mut self);

    /// Ends the runner and all that it has started, as SIGKILL does. Must not block. The runner's end is then reported
    /// by [`StatusReporter::exited`].
    fn kill(&mut self);
}

/// A runner could not be started.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct LaunchError {
    message: String,
    #[source]
    source: Option<std::io::Error>,
}

impl LaunchError {
    /// An error with this message.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None }
    }

    pub(crate) fn io(message: impl Into<String>, source: std::io::Error) -> Self {
        Self { message: message.into(), source: Some(source) }
    }

    /// The error and its causes in one line.
    pub(crate) fn chain(&self) -> String {
        match &self.source {
            Some(source) => format!("{}: {source}", self.message),
            None => self.message.clone(),
        }
    }
}

/// Reports the status of one runner to its host. Clones report for the same runner. No call blocks.
#[derive(Clone)]
pub struct StatusReporter {
    id: RunnerId,
    index: usize,
    replacement_strategy: ReplacementStrategy,
    startup_limit: Duration,
    evidence: Arc<Evidence>,
    metrics: Arc<RunnerMetrics>,
    fleet_events: mpsc::UnboundedSender<FleetEvent>,
}

impl StatusReporter {
    pub(crate) fn new(id: RunnerId, index: usize, fleet_events: mpsc::UnboundedSender<FleetEvent>) -> Self {
        let replacement_strategy = ReplacementStrategy::StartFirst;
        let (evidence, metrics) = (Arc::default(), Arc::default());
        let startup_limit = DEFAULT_STARTUP_TIMEOUT;
        Self { id, index, replacement_strategy, startup_limit, evidence, metrics, fleet_events }
    }

    /// Keeps what the runner prints, and what the kernel reports about its end, there.
    pub(crate) fn with_evidence(mut self, evidence: Arc<Evidence>) -> Self {
        self.evidence = evidence;
        self
    }

    pub(crate) fn with_replacement_strategy(mut self, strategy: ReplacementStrategy) -> Self {
        self.replacement_strategy = strategy;
        self
    }

    pub(crate) fn with_startup_limit(mut self, limit: Duration) -> Self {
        self.startup_limit = limit;
        self
    }

    pub(crate) fn with_metrics(mut self, metrics: &Arc<RunnerMetrics>) -> Self {
        self.metrics = Arc::clone(metrics);
        self
    }

    /// A metric that the runner counts itself has these values now. The host shows it with the label `replica`
    /// ([S82c](fal_health::semantics#s82c)).
    pub fn metric(&self, family: MetricFamily) {
        self.metrics.report(self.id, self.index, family);
    }

    /// The runner's `setup` is at this point.
    pub fn progress(&self, progress: Progress) {
        self.send(FleetEvent::Progress { id: self.id, progress });
    }

    /// The runner is not ready yet: what is there instead of what was expected ([S49c](fal_health::semantics#s49c)).
    fn not_ready(&self, detail: String) {
        self.send(FleetEvent::NotReady { id: self.id, detail });
    }

    /// The runner listens and takes requests.
    pub fn ready(&self) {
        self.send(FleetEvent::Ready { id: self.id });
    }

    /// The runner's `setup` failed for this reason. Its end is reported separately, by [`exited`](Self::exited).
    pub fn setup_failed(&self, error: impl Into<String>) {
        self.send(FleetEvent::SetupFailed { id: self.id, error: error.into() });
    }

    /// The runner has printed this line. The host keeps the last 8 KiB for [`RunnerDetails`](crate::RunnerDetails) and does
    /// not log it.
    pub fn printed(&self, stream: OutputStream, line: &str) {
        self.evidence.output.push(stream, line);
    }

    /// Where to keep what the kernel reports about the runner's end.
    fn evidence(&self) -> &Arc<Evidence> {
        &self.evidence
    }

    /// The runner has ended. Must be called once for every runner that was started. Under
    /// [`ReplacementStrategy::StopFirst`] its successor starts then: call it when the runner holds nothing any more.
    pub fn exited(&self, exit: Exit) {
        self.send(FleetEvent::Exited { id: self.id, exit });
    }

    /// The runner that is reported on.
    pub fn id(&self) -> RunnerId {
        self.id
    }

    /// The index of the replica that the runner is, from 0. A replacement has the index of the runner that it replaces
    /// ([S47](fal_health::semantics#s47)).
    pub fn index(&self) -> usize {
        self.index
    }

    /// Whether the host starts a successor before the runner has ended, or then.
    pub fn replacement_strategy(&self) -> ReplacementStrategy {
        self.replacement_strategy
    }

    /// How long the runner may take until it is ready ([S35f](fal_health::semantics#s35f)).
    fn startup_limit(&self) -> Duration {
        self.startup_limit
    }

    fn send(&self, event: FleetEvent) {
        // The host may have ended already; then nothing receives reports.
        let _ = self.fleet_events.send(event);
    }
}

impl fmt::Debug for StatusReporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StatusReporter").field(&self.id).finish()
    }
}

#[cfg(test)]
mod never_executed;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use self::never_executed::never_executed;
