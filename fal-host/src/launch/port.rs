//! Runners that are programs without knowledge of this host: they listen on the port in `PORT`.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fal_health::protocol::{Address, variable};
use rustix::process::Pid;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::process::ChildRunner;
use super::sockets::{self, Owner};
use super::spawn::Spawner;
use super::stop_signal::{StopSignal, StopSignalTo};
use super::{LaunchError, Launcher, RunnerHandle, StatusReporter};
use crate::{RunnerId, open_files};

/// How the hint about a runner begins that has opened no port yet.
pub(crate) const NOT_LISTENING: &str = "the runner does not listen on any port yet";

/// The pause after a failed connection attempt, at first and at most: it doubles each time.
const MIN_PAUSE: Duration = Duration::from_millis(5);
const MAX_PAUSE: Duration = Duration::from_millis(250);

/// How long a runner may not listen before the log says what was expected, at most: half of a shorter startup timeout, so that
/// the record of a runner that is not ready in time has it. The host looks again after twice the time, and so on.
const HINT_AFTER: Duration = Duration::from_secs(5);

/// Starts programs that do not use this library. They must listen on 127.0.0.1, at the port in the environment variable
/// `PORT`.
///
/// Such a runner is ready when one of its processes accepts a connection at its port
/// ([S49](fal_health::semantics#s49)), and is told to stop by a signal. On Linux it does
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
        let port = Port::reserve().map_err(|error| LaunchError::io("no port is free on 127.0.0.1", error))?;
        let socket = port.address();
        let address = Address::Tcp(socket);
        let variables = [
            ("PORT", socket.port().to_string()),
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
        let process = i32::try_from(child.pid).ok().and_then(Pid::from_raw);
        tokio::spawn(async move {
            let waiting = tokio::spawn(wait_until_ready(socket, process, reporter.clone()));
            let exit = child.end().await;
            drop(port);
            waiting.abort();
            reporter.exited(exit);
        });
        Ok(Box::new(runner))
    }

    fn program(&self) -> Option<String> {
        Some(self.spawner.program().display().to_string())
    }
}

/// A port of a runner, which no other runner of this process gets while it lives.
#[derive(Debug)]
struct Port(u16);

/// The ports of all runners of this process.
static PORTS: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

impl Port {
    /// A port that was free a moment ago. Another process may take it before the runner does. Then the runner fails to
    /// start, and the next one gets another port.
    fn reserve() -> io::Result<Self> {
        // Held until a port is found, so that the system chooses another one each time.
        let mut taken = Vec::new();
        loop {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            let port = listener.local_addr()?.port();
            if PORTS.lock().unwrap_or_else(PoisonError::into_inner).insert(port) {
                return Ok(Self(port));
            }
            taken.push(listener);
        }
    }

    fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.0).into()
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        PORTS.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.0);
    }
}

/// Reports the runner as ready once it accepts a connection at its port, and until then what is there instead (S49c).
async fn wait_until_ready(address: SocketAddr, runner: Option<Pid>, reporter: StatusReporter) {
    let started = Instant::now();
    let mut pause = MIN_PAUSE;
    let (mut hint_after, mut last_hint) = (HINT_AFTER.min(reporter.startup_limit() / 2), None);
    loop {
        let owner = accepting(address, runner).await;
        if owner.is_some_and(Owner::counts_as_runner) {
            break;
        }
        if started.elapsed() >= hint_after {
            hint_after *= 2;
            let hint = hint(address, runner, owner).await;
            if let Some(hint) = hint.filter(|hint| last_hint.as_ref() != Some(hint)) {
                tracing::warn!(runner = %reporter.id(), "{hint}");
                reporter.not_ready(hint.clone());
                last_hint = Some(hint);
            }
            // The look has taken some time.
            continue;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(MAX_PAUSE);
    }
    reporter.ready();
}

/// Who has accepted a connection at this address. `None` if nothing has.
async fn accepting(address: SocketAddr, runner: Option<Pid>) -> Option<Owner> {
    let stream = TcpStream::connect(address).await.ok()?;
    acceptor_of(&stream, address, runner).await
}

/// Who has accepted a connection to this address. `None` if it is its own other end, which one from this port may be.
async fn acceptor_of(stream: &TcpStream, address: SocketAddr, runner: Option<Pid>) -> Option<Owner> {
    let is_own_end = stream.local_addr().is_ok_and(|local| local == address);
    if is_own_end { None } else { Some(owner(address, runner).await) }
}

async fn owner(address: SocketAddr, runner: Option<Pid>) -> Owner {
    let Some(runner) = runner else { return Owner::Unknown };
    let found = tokio::task::spawn_blocking(move || sockets::owner_of(address, runner)).await;
    found.unwrap_or(Owner::Unknown)
}

/// Why a runner is not ready yet: what was expected, and what is there instead. `None` if it listens by now, or the system does not tell.
async fn hint(address: SocketAddr, runner: Option<Pid>, owner: Option<Owner>) -> Option<String> {
    let runner = runner?;
    let addresses = tokio::task::spawn_blocking(move || sockets::addresses_of(runner)).await.ok()?;
    if !matches!(owner, Some(Owner::Another)) && addresses.contains(&address) {
        return None;
    }
    let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    let advice = "have the program listen on 127.0.0.1 at the port in the environment variable PORT";
    Some(match (owner, addresses.join(", ")) {
        (Some(Owner::Another), _) => format!(
            "another process listens on {address}, the address of the runner: no request is sent there"
        ),
        (Some(Owner::Missing), _) => format!(
            "a connection to {address}, the address of the runner, was accepted, but the system shows no process of this \
             network that listens there: no request is sent there. Another process listens now and then, or a rule of the \
             firewall redirects connections; {advice}"
        ),
        (_, elsewhere) if elsewhere.is_empty() => {
            format!(
                "{NOT_LISTENING}: it still starts, or it does not listen on {address}, the port in the environment variable PORT"
            )
        }
        (_, elsewhere) => format!("the runner listens on {elsewhere}: expected {address}; {advice}"),
    })
}

/// Has the system kill the runner when the thread that started it ends. The host starts runners on a thread that lives as
/// long as the host.
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

#[cfg(test)]
mod tests {
    use rustix::process::getpid;
    use tokio::net::TcpSocket;

    use super::*;

    #[test]
    fn a_port_is_not_given_out_twice_while_its_runner_lives_s49a() {
        let first = Port::reserve().unwrap();
        let number = first.0;
        assert!(!PORTS.lock().unwrap().insert(number));
        // The system chooses from a range of ports; this takes one, which is not the first's, many times.
        let others: Vec<_> = (0..200).map(|_| Port::reserve().unwrap()).collect();
        assert!(others.iter().all(|other| other.0 != number));
        drop(first);
        assert!(!PORTS.lock().unwrap().contains(&number));
    }

    #[tokio::test]
    async fn the_hint_says_that_a_connection_was_accepted_where_nothing_listens_s49c() {
        let address = "127.0.0.1:80".parse().unwrap();
        let hint = hint(address, Some(getpid()), Some(Owner::Missing)).await.unwrap();
        assert!(
            hint.starts_with("a connection to 127.0.0.1:80, the address of the runner, was accepted"),
            "{hint}"
        );
        assert!(hint.contains("no request is sent there") && !hint.starts_with(NOT_LISTENING), "{hint}");
    }

    #[tokio::test]
    async fn a_runner_that_has_begun_to_listen_gets_no_hint_s49c() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(hint(address, Some(getpid()), None).await, None);
        drop(listener);
        assert!(hint(address, Some(getpid()), None).await.is_some());
    }

    #[tokio::test]
    async fn a_connection_to_itself_has_no_acceptor_s49b() {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let address = socket.local_addr().unwrap();
        let stream = socket.connect(address).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), address);
        // Where the system does not tell whose a listener is.
        assert_eq!(acceptor_of(&stream, address, None).await, None);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        assert_eq!(accepting(listener.local_addr().unwrap(), None).await, Some(Owner::Unknown));
    }
}
