use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use fal_health::protocol::{Address, variable};
use tokio::net::TcpStream;

use super::process::Process;
use super::spawn::Spawner;
use super::{LaunchError, Launcher, RunnerHandle, StatusReporter};
use crate::{RunnerId, open_files};

/// How soon a program is asked again whether it listens, and how soon at the latest.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// Starts programs that know nothing of this host, and listen on 127.0.0.1 at the port that `PORT` in their environment
/// names.
///
/// Such a runner is ready when its port takes a connection, and is told to stop by SIGTERM alone. It does not outlive
/// its host (`PR_SET_PDEATHSIG`, on Linux), but what it forked may, where the host was killed.
#[derive(Debug)]
pub struct PortLauncher {
    spawner: Spawner,
}

impl PortLauncher {
    /// Every runner is this command. Its standard streams are set by the launcher: it reads nothing, and what it prints
    /// is logged line by line.
    ///
    /// Must be called inside a Tokio runtime, which relays the runners' output.
    pub fn new(mut command: Command) -> Self {
        #[cfg(target_os = "linux")]
        die_with_the_host(&mut command);
        open_files::restore_in(&mut command);
        Self { spawner: Spawner::new(command) }
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
        let variables = [("PORT", port.port().to_string()), (variable::ID, id.to_string())];
        let child = self.spawner.spawn(id, &address, variables, Stdio::null())?;
        let process =
            Process { check_address: address.clone(), address, pid: child.pid, group: child.group.clone() };
        tokio::spawn(async move {
            let asked = tokio::spawn(ask_whether_ready(port, reporter.clone()));
            let exit = child.end().await;
            asked.abort();
            reporter.exited(exit);
        });
        Ok(Box::new(process))
    }
}

/// A port that was free a moment ago. Somebody else may take it before the program does; then that fails to start, and
/// the next one gets another.
fn free_port() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

async fn ask_whether_ready(address: SocketAddr, reporter: StatusReporter) {
    let mut pause = FIRST_PAUSE;
    while TcpStream::connect(address).await.is_err() {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    reporter.ready();
}

/// The signal comes when the thread that started the program ends, which is the host's control thread and lives as long
/// as the host.
#[cfg(target_os = "linux")]
fn die_with_the_host(command: &mut Command) {
    use rustix::process::{Signal, getpid, getppid, set_parent_process_death_signal};

    let host = getpid();
    let arm = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // It may have ended before the signal was armed.
        if getppid() == Some(host) { Ok(()) } else { Err(io::ErrorKind::NotConnected.into()) }
    };
    #[expect(unsafe_code, reason = "nothing else runs between fork and exec")]
    // SAFETY: it makes two system calls, neither allocates nor locks, and builds an error without allocating.
    unsafe {
        command.pre_exec(arm);
    }
}
