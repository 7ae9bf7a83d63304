//! Runners that are programs without knowledge of this host: they listen on the port in `PORT`.

use std::ffi::OsString;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use fal_health::protocol::{Address, variable};
use tokio::net::TcpStream;

use super::process::ChildRunner;
use super::spawn::Spawner;
use super::stop_signal::{StopSignal, StopSignalTo};
use super::{LaunchError, Launcher, RunnerHandle, StatusReporter};
use crate::{RunnerId, open_files};

/// The pause after a failed connection attempt, at first and at most: it doubles each time.
const MIN_PAUSE: Duration = Duration::from_millis(5);
const MAX_PAUSE: Duration = Duration::from_millis(250);

/// Starts programs that do not use this library. They must listen on 127.0.0.1, at the port in the environment variable
/// `PORT`.
///
/// Such a runner is ready when its port accepts a connection, and is told to stop by a signal. On Linux it does
/// not outlive its host (`PR_SET_PDEATHSIG`), but if the host is killed, child processes of the runner may.
#[derive(Debug)]
pub struct PortLauncher {
    spawner: Spawner,
    stop_signal: StopSignal,
    stop_signal_to: StopSignalTo,
}

impl PortLauncher {
    /// Starts every runner by this command. The launcher sets its standard streams: input is empty, and output is
    /// logged line by line.
    ///
    /// Must be called inside a Tokio runtime, which reads the output.
    pub fn new(mut command: Command) -> Self {
        #[cfg(target_os = "linux")]
        die_with_the_host(&mut command);
        open_files::restore_in(&mut command);
        Self {
            spawner: Spawner::new(command),
            stop_signal: StopSignal::default(),
            stop_signal_to: StopSignalTo::default(),
        }
    }

    /// The signal that tells a runner to stop ([S33](fal_health::semantics#s33)). Default: SIGTERM.
    #[must_use]
    pub fn stop_signal(mut self, signal: StopSignal) -> Self {
        self.stop_signal = signal;
        self
    }

    /// The processes of a runner that get the stop signal ([S33](fal_health::semantics#s33)). Default: the process
    /// that the host started.
    #[must_use]
    pub fn stop_signal_to(mut self, to: StopSignalTo) -> Self {
        self.stop_signal_to = to;
        self
    }

    /// Sets an environment variable of every runner. In its value, `{index}` stands for the runner's index
    /// ([S47c](fal_health::semantics#s47c)).
    #[must_use]
    pub fn env_each(mut self, name: impl Into<OsString>, value: impl Into<String>) -> Self {
        self.spawner.env_each(name.into(), value.into());
        self
    }
}

impl Launcher for PortLauncher {
    fn launch(
        &mut self,
        id: RunnerId,
        reporter: StatusReporter,
    ) -> Result<Box<dyn RunnerHandle>, LaunchError> {
        let port = free_port().map_err(|error| LaunchError::io("no port is free on 127.0.0.1", error))?;
        let address = Address::Tcp(port);
        let variables = [
            ("PORT", port.port().to_string()),
            (variable::ID, id.to_string()),
            (variable::INDEX, reporter.index().to_string()),
        ];
        let child = self.spawner.spawn(&reporter, &address, variables, Stdio::null())?;
        let runner = ChildRunner {
            check_address: address.clone(),
            address,
            pid: child.pid,
            group: child.group.clone(),
            stop_signal: self.stop_signal,
            stop_signal_to: self.stop_signal_to,
        };
        tokio::spawn(async move {
            let waiting = tokio::spawn(wait_until_ready(port, reporter.clone()));
            let exit = child.end().await;
            waiting.abort();
            reporter.exited(exit);
        });
        Ok(Box::new(runner))
    }
}

/// A port that was free a moment ago. Another process may take it before the runner does. Then the runner fails to
/// start, and the next one gets another port.
fn free_port() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// Reports the runner as ready once its port accepts a connection.
async fn wait_until_ready(address: SocketAddr, reporter: StatusReporter) {
    let mut pause = MIN_PAUSE;
    while TcpStream::connect(address).await.is_err() {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(MAX_PAUSE);
    }
    reporter.ready();
}

/// Has the system kill the runner when the thread that started it ends. That is the host's control thread, which lives
/// as long as the host.
#[cfg(target_os = "linux")]
fn die_with_the_host(command: &mut Command) {
    use rustix::process::{Signal, getpid, getppid, set_parent_process_death_signal};

    let host = getpid();
    let arm = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // The host may have ended before the signal was armed.
        if getppid() == Some(host) { Ok(()) } else { Err(io::ErrorKind::NotConnected.into()) }
    };
    #[expect(unsafe_code, reason = "nothing else runs between fork and exec")]
    // SAFETY: the closure makes two system calls. It does not allocate or lock.
    unsafe {
        command.pre_exec(arm);
    }
}
