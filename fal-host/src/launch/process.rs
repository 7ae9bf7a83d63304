//! Runners of this library, as child processes.

use std::ffi::OsString;
use std::io;
use std::pin::pin;
use std::process::Command;
use std::time::Duration;

use fal_health::protocol::{Address, Assignment};

use super::channel::{self, Channel, Listened};
use super::directory::SocketDirectory;
use super::own_program::own_program;
use super::reap::Group;
use super::spawn::Spawner;
use super::stop_signal::{StopSignal, StopSignalTo};
use super::{LaunchError, Launcher, RunnerHandle, StatusReporter};
use crate::{RunnerId, open_files};

/// Starts runners as child processes, each in a process group of its own.
///
/// Host and runner speak the [protocol](fal_health::protocol): environment variables say where the runner listens, and
/// its standard input is the control channel. A runner kills itself and its group when that closes, so no runner
/// outlives its host, however the host ends ([S41](fal_health::semantics#s41)). Health checks have a socket of their
/// own. What a runner prints is logged line by line, with its id.
///
/// The sockets are in a directory that only this user may enter: in `$XDG_RUNTIME_DIR`, in `/run`, or in the directory for
/// temporary files, whichever is the first that this process may write to. If another program removes the directory,
/// the next launch creates it again.
#[derive(Debug)]
pub struct ProcessLauncher {
    spawner: Spawner,
    directory: SocketDirectory,
    grace_period: Duration,
    /// The name of the app, if runners are titled by it.
    title: Option<String>,
}

impl ProcessLauncher {
    /// Starts every runner by this command, whose `main` must call `fal_runtime::as_runner` or do the same by itself.
    /// The launcher sets its standard streams.
    ///
    /// Must be called inside a Tokio runtime, which reads the runners' output.
    pub fn new(command: Command, grace_period: Duration) -> Result<Self, LaunchError> {
        let directory = SocketDirectory::create()
            .map_err(|error| LaunchError::io("cannot create a directory for the runners' sockets", error))?;
        #[cfg(not(target_os = "linux"))]
        let command = {
            let mut command = command;
            open_files::restore_in(&mut command);
            command
        };
        Ok(Self { spawner: Spawner::new(command), directory, grace_period, title: None })
    }

    /// Sets an environment variable of every runner. In its value, `{index}` stands for the runner's index
    /// ([S47c](fal_health::semantics#s47c)).
    #[must_use]
    pub fn env_each(mut self, name: impl Into<OsString>, value: impl Into<String>) -> Self {
        self.spawner.env_each(name.into(), value.into());
        self
    }

    /// Titles the runners as `ps` shows them: the name of the app, and the id of the runner. Only if they are this program again,
    /// since other programs may need their own name (S60f).
    pub(crate) fn titled(mut self, app: &str) -> Self {
        let is_own = own_program().is_ok_and(|own| self.spawner.program() == own);
        self.title = is_own.then(|| app.to_owned());
        self
    }
}

impl Launcher for ProcessLauncher {
    fn launch(
        &mut self,
        id: RunnerId,
        reporter: StatusReporter,
    ) -> Result<Box<dyn RunnerHandle>, LaunchError> {
        self.directory
            .restore()
            .map_err(|error| LaunchError::io("cannot create a directory for the runners' sockets", error))?;
        let sockets = self.directory.sockets(id);
        let address = Address::Unix(sockets.requests.clone());
        let check_address = Address::Unix(sockets.checks.clone());
        let mut assignment = Assignment::new(std::process::id(), address.clone().into());
        assignment.health_listen = Some(check_address.clone().into());
        assignment.id = Some(id.get());
        assignment.index = Some(reporter.index());
        assignment.grace_period = Some(self.grace_period);
        if let Some(app) = &self.title {
            self.spawner.set_title(&format!("{app}: runner {id}"));
        }
        let (ours, theirs) = channel::pair()
            .map_err(|error| LaunchError::io("cannot create a control channel for a runner", error))?;
        let child = self.spawner.spawn(&reporter, &address, assignment.variables(), theirs)?;
        #[cfg(target_os = "linux")]
        open_files::restore_of(child.pid);
        let runner = ChildRunner {
            address,
            check_address,
            pid: child.pid,
            group: child.group.clone(),
            stop_signal: StopSignal::Term,
            stop_signal_to: StopSignalTo::Leader,
        };
        let group = child.group.clone();
        tokio::spawn(async move {
            // Holds the host's end of the channel until the runner has ended: the runner kills itself when it closes.
            let mut channel = Channel::new(ours, reporter.clone());
            let exit = {
                let mut end = pin!(child.end());
                tokio::select! {
                    exit = &mut end => exit,
                    listened = channel.listen() => {
                        if listened == Listened::OtherProtocol {
                            group.kill();
                        }
                        end.await
                    }
                }
            };
            channel.drain().await;
            // A runner that was killed has not removed them.
            for path in [sockets.requests, sockets.checks] {
                let _ = std::fs::remove_file(path);
            }
            reporter.exited(exit);
        });
        Ok(Box::new(runner))
    }

    fn program(&self) -> Option<String> {
        Some(self.spawner.program().display().to_string())
    }
}

/// A runner that is a child process with a process group of its own.
#[derive(Debug)]
pub(super) struct ChildRunner {
    pub(super) address: Address,
    pub(super) check_address: Address,
    pub(super) pid: u32,
    pub(super) group: Group,
    pub(super) stop_signal: StopSignal,
    pub(super) stop_signal_to: StopSignalTo,
}

impl RunnerHandle for ChildRunner {
    fn address(&self) -> Address {
        self.address.clone()
    }

    fn check_address(&self) -> Address {
        self.check_address.clone()
    }

    fn pid(&self) -> Option<u32> {
        Some(self.pid)
    }

    fn terminate(&mut self) {
        self.group.terminate(self.stop_signal, self.stop_signal_to);
    }

    fn kill(&mut self) {
        self.group.kill();
    }
}

/// The command that runs this program again, as it is on disk when a process is started (S71c).
pub(crate) fn this_program() -> io::Result<Command> {
    own_program().map(Command::new)
}
