use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use fal_health::protocol::{Address, Assignment};

use super::directory::Directory;
use super::reap::Group;
use super::spawn::{LAST_WORDS, Spawner};
use super::{LaunchError, Launcher, RunnerHandle, StatusReporter, channel};
use crate::{RunnerId, open_files};

/// What a socket's path may take: `sun_path` holds 108 bytes on Linux and 104 elsewhere.
const LONGEST_PATH: usize = 100;

/// Starts runners as child processes, each in a process group of its own.
///
/// Host and runner speak the [protocol](fal_health::protocol): environment variables say where the runner listens, and
/// its standard event is the control channel. A runner kills itself and its group when that closes, so no runner
/// outlives its host, however the host ends (S41). Health checks have a socket of their own. What a runner prints is
/// logged line by line, with its id.
#[derive(Debug)]
pub struct ProcessLauncher {
    spawner: Spawner,
    directory: Directory,
    grace_period: Duration,
}

impl ProcessLauncher {
    /// Every runner is this command. Its standard streams are set by the launcher.
    ///
    /// Must be called inside a Tokio runtime, which relays the runners' output.
    pub fn new(command: Command, grace_period: Duration) -> Result<Self, LaunchError> {
        let directory = Directory::create()
            .map_err(|error| LaunchError::io("no directory could be made for the runners' sockets", error))?;
        #[cfg(not(target_os = "linux"))]
        let command = {
            let mut command = command;
            open_files::restore_in(&mut command);
            command
        };
        Ok(Self { spawner: Spawner::new(command), directory, grace_period })
    }
}

impl Launcher for ProcessLauncher {
    fn launch(
        &mut self,
        id: RunnerId,
        reporter: StatusReporter,
    ) -> Result<Box<dyn RunnerHandle>, LaunchError> {
        let socket = self.directory.path().join(format!("{id}.sock"));
        let lane = self.directory.path().join(format!("{id}.health.sock"));
        if lane.as_os_str().as_bytes().len() > LONGEST_PATH {
            return Err(LaunchError::new(format!(
                "the runners' sockets would have paths longer than {LONGEST_PATH} bytes ({}): set TMPDIR to a shorter one",
                lane.display()
            )));
        }
        let (address, check_address) = (Address::Unix(socket.clone()), Address::Unix(lane.clone()));
        let mut assignment = Assignment::new(std::process::id(), address.clone().into());
        assignment.health_listen = Some(check_address.clone().into());
        assignment.id = Some(id.get());
        assignment.grace_period = Some(self.grace_period);
        let (ours, theirs) = channel::pair()
            .map_err(|error| LaunchError::io("no control channel could be made for a runner", error))?;
        let child = self.spawner.spawn(id, &address, assignment.variables(), theirs)?;
        #[cfg(target_os = "linux")]
        open_files::restore_of(child.pid);
        let process = Process { address, check_address, pid: child.pid, group: child.group.clone() };
        tokio::spawn(async move {
            // It holds the host's end: a runner ends itself when that closes.
            let mut listening = tokio::spawn(channel::listen(ours, reporter.clone()));
            let exit = child.end().await;
            if tokio::time::timeout(LAST_WORDS, &mut listening).await.is_err() {
                listening.abort();
            }
            // A runner that was killed could not remove them.
            for path in [socket, lane] {
                let _ = std::fs::remove_file(path);
            }
            reporter.exited(exit);
        });
        Ok(Box::new(process))
    }
}

/// A child process and its group.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) address: Address,
    pub(super) check_address: Address,
    pub(super) pid: u32,
    pub(super) group: Group,
}

impl RunnerHandle for Process {
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
        self.group.terminate();
    }

    fn kill(&mut self) {
        self.group.kill();
    }
}

/// The command that runs this very program again, even where its file has been replaced meanwhile.
pub(crate) fn this_program() -> io::Result<Command> {
    let path = std::env::current_exe()?;
    if cfg!(target_os = "linux") {
        let mut command = Command::new("/proc/self/exe");
        command.arg0(path);
        Ok(command)
    } else {
        Ok(Command::new(path))
    }
}
