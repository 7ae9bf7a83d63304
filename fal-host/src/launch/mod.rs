//! Starting runners: as processes ([`ProcessLauncher`], [`PortLauncher`]), or any other way ([`Launch`]).

mod cgroup;
mod channel;
mod directory;
mod orphans;
mod output;
mod port;
mod process;
mod reap;
mod spawn;

use std::fmt;

use fal_health::protocol::{Address, Progress};
use tokio::sync::mpsc;

pub use self::orphans::adopt_orphans;
pub use self::port::PortLauncher;
pub use self::process::ProcessLauncher;
pub(crate) use self::process::this_program;
use crate::RunnerId;
use crate::fleet::{Exit, FleetEvent};

/// Starts runners.
///
/// The host calls it on its own control thread, inside a Tokio runtime, and waits for it: a launch should take a few
/// milliseconds at most. What takes longer belongs behind [`Notices::ready`].
pub trait Launch: Send + 'static {
    /// Starts one runner, which is to say how it fares by `notices`.
    ///
    /// A launch that fails is a failed start: the host tries again, at growing distances (S35).
    fn launch(&mut self, id: RunnerId, notices: Notices) -> Result<Box<dyn Launched>, LaunchError>;
}

/// A runner that has been started. Dropping it must not end the runner; [`kill`](Self::kill) does.
pub trait Launched: Send {
    /// Where it will listen for requests.
    fn address(&self) -> Address;

    /// Where it will listen for checks: with the requests, unless it has something better.
    fn check_address(&self) -> Address {
        self.address()
    }

    /// Its process, where it has one of its own.
    fn pid(&self) -> Option<u32>;

    /// Tells it to stop in its own time: SIGTERM. Called at most once. Must not block.
    fn terminate(&mut self);

    /// Ends it, with all that it has started: SIGKILL. Must not block. [`Notices::exited`] follows when it has ended.
    fn kill(&mut self);
}

/// Why a runner could not be started, in words.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct LaunchError {
    message: String,
    #[source]
    source: Option<std::io::Error>,
}

impl LaunchError {
    /// An error in words of one's own.
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

/// How a runner tells its host how it fares. Clones tell of the same runner. Nothing here blocks.
#[derive(Clone)]
pub struct Notices {
    id: RunnerId,
    fleet_events: mpsc::UnboundedSender<FleetEvent>,
}

impl Notices {
    pub(crate) fn new(id: RunnerId, fleet_events: mpsc::UnboundedSender<FleetEvent>) -> Self {
        Self { id, fleet_events }
    }

    /// Its setup is at this point.
    pub fn progress(&self, progress: Progress) {
        self.send(FleetEvent::Progress { id: self.id, progress });
    }

    /// It listens and takes requests.
    pub fn ready(&self) {
        self.send(FleetEvent::Ready { id: self.id });
    }

    /// Its setup failed for this reason. Its end is told besides, by [`exited`](Self::exited).
    pub fn setup_failed(&self, error: impl Into<String>) {
        self.send(FleetEvent::SetupFailed { id: self.id, error: error.into() });
    }

    /// It has ended. Must be told once of every runner that was started.
    pub fn exited(&self, exit: Exit) {
        self.send(FleetEvent::Exited { id: self.id, exit });
    }

    /// The runner that is told of.
    pub fn id(&self) -> RunnerId {
        self.id
    }

    fn send(&self, event: FleetEvent) {
        // A host that has ended needs no telling.
        let _ = self.fleet_events.send(event);
    }
}

impl fmt::Debug for Notices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Notices").field(&self.id).finish()
    }
}

#[cfg(test)]
mod tests;
