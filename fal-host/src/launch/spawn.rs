//! Starting a child process in a process group of its own.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use fal_health::protocol::{Address, variable};
use futures_util::future::join;
use rustix::process::{Pid, Signal};
use tokio::net::unix::pipe;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::cgroup::{Cgroup, Cgroups};
use super::cgroup_entry::{CgroupEntry, pid_of};
use super::orphans::{Orphans, UPGRADE_FROM};
use super::reap::{Group, Reaped};
use super::vacancy::vacated;
use super::{LaunchError, StatusReporter, output, signals};
use crate::RunnerId;
use crate::evidence::{EndEvidence, Evidence, OomWatch, OutputStream};
use crate::fleet::{Exit, ReplacementStrategy};

/// How long to read what an ended runner wrote last. It is there already, unless a process that left the runner's group
/// still holds the other end open.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(50);

/// The variables by which a service manager, or an old host, speaks to the host alone. Another program that found them would take
/// descriptors that it does not have, or report itself ready in the host's name.
pub(crate) const FOR_THE_HOST: [&str; 7] = [
    UPGRADE_FROM,
    "LISTEN_FDNAMES",
    "LISTEN_FDS",
    "LISTEN_PID",
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
];

/// The variable with the token of the admin interface, which hooks may use, and runners need not (S88b).
const ADMIN_TOKEN: &str = "FAL_ADMIN_TOKEN";

/// Starts child processes in process groups of their own, logs what they print, and reaps them.
#[derive(Debug)]
pub(super) struct Spawner {
    command: Command,
    /// Variables of every child process. `{index}` in a value stands for the runner's index.
    env_each: Vec<(OsString, String)>,
    /// The runtime that reads output. Not the one that makes health checks, so that much output delays none of them.
    relays: Handle,
    cgroups: Option<(Cgroups, CgroupEntry)>,
    orphans: Orphans,
    ooms: Arc<OomWatch>,
    /// Whether a child process was started already.
    has_started: bool,
}

/// A child process that was started.
#[derive(Debug)]
pub(super) struct Spawned {
    pub(super) group: Group,
    pub(super) pid: u32,
    leader: Pid,
    cgroup: Option<Cgroup>,
    strategy: ReplacementStrategy,
    relay: JoinHandle<((), ())>,
    orphans: Orphans,
    evidence: Arc<Evidence>,
    ooms: Arc<OomWatch>,
}

impl Spawner {
    /// Must be called inside the Tokio runtime that is to read output.
    pub(super) fn new(mut command: Command) -> Self {
        for name in FOR_THE_HOST.into_iter().chain([ADMIN_TOKEN]) {
            // Unless the command sets it itself.
            if !command.get_envs().any(|(set, _)| set == name) {
                command.env_remove(name);
            }
        }
        let cgroups = Cgroups::delegated().map(|cgroups| (cgroups, CgroupEntry::of(&mut command)));
        Self {
            command,
            env_each: Vec::new(),
            relays: Handle::current(),
            cgroups,
            orphans: Orphans::new(),
            ooms: Arc::new(OomWatch::new()),
            has_started: false,
        }
    }

    pub(super) fn env_each(&mut self, name: OsString, value: String) {
        self.env_each.push((name, value));
    }

    /// The program of the child processes.
    pub(super) fn program(&self) -> &OsStr {
        self.command.get_program()
    }

    /// What `ps` shows of the following child processes, before their arguments.
    pub(super) fn set_title(&mut self, title: &str) {
        self.command.arg0(title);
    }

    /// Starts a child process with these environment variables. Its address is always among them, as the mark of all
    /// its descendants.
    pub(super) fn spawn(
        &mut self,
        reporter: &StatusReporter,
        address: &Address,
        variables: impl IntoIterator<Item = (&'static str, String)>,
        stdin: Stdio,
    ) -> Result<Spawned, LaunchError> {
        if !std::mem::replace(&mut self.has_started, true) {
            signals::reset_in(&mut self.command);
            tokio::spawn(self.orphans.watch());
            let ooms = Arc::downgrade(&self.ooms);
            self.relays.spawn(OomWatch::run(ooms));
        }
        let (id, index) = (reporter.id(), reporter.index().to_string());
        self.command.envs(self.env_each.iter().map(|(name, value)| (name, value.replace("{index}", &index))));
        self.command.envs(variables).env(variable::LISTEN, address.to_string());
        let (cgroup, open) = self.cgroup(id).unzip();
        let orphans = self.orphans;
        let started = orphans.start_runner(address, || self.start(stdin, open.as_ref()));
        let (leader, (stdout, stderr)) = started.map_err(|error| self.not_started(error))?;
        let group = Group::led_by(leader, cgroup.clone());
        let (out, err) = (reporter.clone(), reporter.clone());
        let relay = self.relays.spawn(async move {
            join(
                output::relay(stdout, out, OutputStream::Stdout),
                output::relay(stderr, err, OutputStream::Stderr),
            )
            .await
        });
        Ok(Spawned {
            group,
            pid: leader.as_raw_nonzero().get().unsigned_abs(),
            leader,
            cgroup,
            strategy: reporter.replacement_strategy(),
            relay,
            orphans,
            evidence: Arc::clone(reporter.evidence()),
            ooms: Arc::clone(&self.ooms),
        })
    }

    /// The error names the directory if that is at fault: the system does not say which of the two is missing.
    fn not_started(&self, error: io::Error) -> LaunchError {
        let program = self.command.get_program().display();
        match self.command.get_current_dir().map(|directory| (directory.display(), fs::metadata(directory))) {
            Some((directory, Err(error))) => {
                LaunchError::io(format!("{program} cannot run in {directory}"), error)
            }
            // fork(2): the only limits behind this error that an operator can change.
            _ if error.raw_os_error() == Some(libc::EAGAIN) => LaunchError::io(
                format!(
                    "{program} could not be started, because this user or its control group has too many processes and \
                     threads: raise `ulimit -u` (`TasksMax=` of systemd, `pids.max` of the control group)"
                ),
                error,
            ),
            _ => LaunchError::io(format!("{program} could not be started"), error),
        }
    }

    fn cgroup(&self, id: RunnerId) -> Option<(Cgroup, File)> {
        let (cgroups, _) = self.cgroups.as_ref()?;
        let made = cgroups.make(id);
        made.inspect_err(|error| tracing::debug!(%error, "a runner has no cgroup")).ok()
    }

    fn start(
        &mut self,
        stdin: Stdio,
        cgroup: Option<&File>,
    ) -> io::Result<(Pid, (pipe::Receiver, pipe::Receiver))> {
        // The pipes belong to the runtime that reads them.
        let _reader = self.relays.enter();
        let (stdout, stderr) = (pipe::pipe()?, pipe::pipe()?);
        self.command
            .stdin(stdin)
            .stdout(stdout.0.into_blocking_fd()?)
            .stderr(stderr.0.into_blocking_fd()?)
            .process_group(0);
        let spawned = match (&self.cgroups, cgroup) {
            (Some((_, entry)), Some(cgroup)) => entry.spawn(&mut self.command, cgroup),
            _ => self.command.spawn().and_then(|child| pid_of(&child).ok_or(io::ErrorKind::Other.into())),
        };
        // Drops the child's ends of the streams, which the command keeps: a pipe closes only when all ends are closed.
        self.command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok((spawned?, (stdout.1, stderr.1)))
    }
}

impl Drop for Spawner {
    fn drop(&mut self) {
        self.orphans.end();
    }
}

impl Spawned {
    /// Waits until the child process has ended, and kills what is left of its group. Under
    /// [`ReplacementStrategy::StopFirst`], waits until that has ended, too (S60b).
    pub(super) async fn end(mut self) -> Exit {
        let was_killed_by_host = self.group.was_killed();
        let Reaped { exit, evidence } = self.group.end().await;
        let is_unexplained = exit == Exit::Signal(Signal::KILL.as_raw()) && !was_killed_by_host();
        let cgroup = self.cgroup.as_ref().map(Cgroup::path);
        let oom_killed = is_unexplained.then(|| self.ooms.killed(cgroup)).flatten();
        self.evidence.ended(EndEvidence { oom_killed, ..evidence });
        self.orphans.runner_ended(self.leader);
        if self.strategy == ReplacementStrategy::StopFirst {
            vacated(self.leader, self.cgroup.as_ref()).await;
        }
        if tokio::time::timeout(FLUSH_TIMEOUT, &mut self.relay).await.is_err() {
            self.relay.abort();
        }
        exit
    }
}
