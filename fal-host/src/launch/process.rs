use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use futures_util::future::join;
use rustix::process::Signal;
use tokio::net::unix::pipe;
use tokio::runtime::Handle;

use super::directory::Directory;
use super::orphans::Orphans;
use super::reap::Group;
use super::{Launch, LaunchError, Launched, Notices, channel, output};
use crate::fleet::Exit;
use crate::{Address, RunnerId};

/// The variable that tells a runner where to listen.
pub(super) const LISTEN: &str = "FAL_RUNNER_LISTEN";

/// What a socket's path may take: `sun_path` holds 108 bytes on Linux and 104 elsewhere.
const LONGEST_PATH: usize = 100;

/// How long an ended runner's last words are waited for. They are there already, unless a process that escaped from
/// its group still holds the pipe.
const LAST_WORDS: Duration = Duration::from_millis(50);

/// Starts runners as child processes, each in a process group of its own.
///
/// A runner is told where to listen by its environment (`FAL_RUNNER_LISTEN`), and reports over a control channel: its
/// standard input is one end of a socket pair. Since it ends itself and its group when that closes, no runner outlives
/// its host, however the host ends (S41). What it prints is logged line by line, with its id.
#[derive(Debug)]
pub struct ProcessLauncher {
    command: Command,
    grace_period: Duration,
    /// Only the host's user may enter it; it goes when the launcher goes.
    directory: Directory,
    /// Where runners' output is relayed: not where checks are made, so that no flood of it delays one.
    relays: Handle,
    orphans: Orphans,
    /// Whether somebody attends to the orphans already.
    attended: bool,
}

impl ProcessLauncher {
    /// Every runner is this command. Its standard streams are set by the launcher.
    ///
    /// Must be called inside a Tokio runtime, which relays the runners' output.
    pub fn new(command: Command, grace_period: Duration) -> Result<Self, LaunchError> {
        let directory = Directory::create()
            .map_err(|error| LaunchError::io("no directory could be made for the runners' sockets", error))?;
        Ok(Self {
            command,
            grace_period,
            directory,
            relays: Handle::current(),
            orphans: Orphans::new(),
            attended: false,
        })
    }

    fn spawn(&mut self, id: RunnerId, socket: &Address) -> io::Result<(Child, UnixStream, Output)> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let (stdout, stderr) = (pipe::pipe()?, pipe::pipe()?);
        self.command
            .stdin(OwnedFd::from(theirs))
            .stdout(stdout.0.into_blocking_fd()?)
            .stderr(stderr.0.into_blocking_fd()?)
            .process_group(0)
            .env(LISTEN, socket.to_string())
            .env("FAL_RUNNER_HOST_PID", std::process::id().to_string())
            .env("FAL_RUNNER_ID", id.to_string())
            .env("FAL_RUNNER_GRACE_MS", self.grace_period.as_millis().to_string());
        let spawned = self.command.spawn();
        // The command keeps its streams, and a channel never closes while the host itself holds its other end.
        self.command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok((spawned?, ours, Output { stdout: stdout.1, stderr: stderr.1 }))
    }
}

struct Output {
    stdout: pipe::Receiver,
    stderr: pipe::Receiver,
}

impl Launch for ProcessLauncher {
    fn launch(&mut self, id: RunnerId, notices: Notices) -> Result<Box<dyn Launched>, LaunchError> {
        let socket = self.directory.path().join(format!("{id}.sock"));
        if socket.as_os_str().as_bytes().len() > LONGEST_PATH {
            return Err(LaunchError::new(format!(
                "the runners' sockets would have paths longer than {LONGEST_PATH} bytes ({}): set TMPDIR to a shorter one",
                socket.display()
            )));
        }
        let address = Address::Unix(socket.clone());
        let program = || format!("{} could not be started", self.command.get_program().display());
        let program = program();
        let relays = self.relays.clone();
        // Pipes are read where the relays run.
        let (child, channel, output) = {
            let _reader = relays.enter();
            self.spawn(id, &address).map_err(|error| LaunchError::io(program, error))?
        };
        let (group, leader) =
            Group::led_by(&child).ok_or_else(|| LaunchError::new("the process has no id"))?;
        let pid = child.id();
        self.orphans.runner_started(leader, &address);
        if !std::mem::replace(&mut self.attended, true) {
            tokio::spawn(self.orphans.attend());
        }
        let relay = relays.spawn(async move {
            join(output::relay(output.stdout, id, "stdout"), output::relay(output.stderr, id, "stderr")).await
        });
        let orphans = self.orphans;
        let attended = attend(child, group.clone(), channel, relay, notices);
        tokio::spawn(async move {
            let (exit, notices) = attended.await;
            orphans.runner_ended(leader);
            // A runner that was killed could not remove it.
            let _ = std::fs::remove_file(socket);
            notices.exited(exit);
        });
        Ok(Box::new(Process { address, pid, group }))
    }
}

impl Drop for ProcessLauncher {
    fn drop(&mut self) {
        self.orphans.end();
    }
}

/// Listens to a runner until it has ended.
async fn attend(
    child: Child,
    group: Group,
    channel: UnixStream,
    mut relay: tokio::task::JoinHandle<((), ())>,
    notices: Notices,
) -> (Exit, Notices) {
    let mut channel = match tokio::net::UnixStream::from_std(channel) {
        Ok(channel) => channel,
        Err(error) => {
            // Without it the runner ends itself, since the channel has closed.
            notices.setup_failed(format!("no control channel: {error}"));
            return (group.end(child).await, notices);
        }
    };
    let exit = {
        let mut ended = std::pin::pin!(group.end(child));
        let mut heard = std::pin::pin!(channel::listen(&mut channel, &notices));
        tokio::select! {
            exit = &mut ended => {
                let _ = tokio::time::timeout(LAST_WORDS, join(heard, &mut relay)).await;
                exit
            }
            () = &mut heard => {
                let exit = ended.await;
                let _ = tokio::time::timeout(LAST_WORDS, &mut relay).await;
                exit
            }
        }
    };
    relay.abort();
    (exit, notices)
}

#[derive(Debug)]
struct Process {
    address: Address,
    pid: u32,
    group: Group,
}

impl Launched for Process {
    fn address(&self) -> Address {
        self.address.clone()
    }

    fn pid(&self) -> Option<u32> {
        Some(self.pid)
    }

    fn terminate(&mut self) {
        self.group.signal(Signal::TERM);
    }

    fn kill(&mut self) {
        self.group.signal(Signal::KILL);
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
