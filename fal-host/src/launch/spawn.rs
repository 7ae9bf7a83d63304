use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fal_health::protocol::{Address, variable};
use futures_util::future::join;
use rustix::process::Pid;
use tokio::net::unix::pipe;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::cgroup::{Cgroup, Cgroups, Entry};
use super::orphans::Orphans;
use super::reap::Group;
use super::{LaunchError, output};
use crate::RunnerId;
use crate::fleet::Exit;

/// How long an ended runner's last words are waited for. They are there already, unless a process that escaped from its
/// group still holds the other end.
pub(super) const LAST_WORDS: Duration = Duration::from_millis(50);

/// Starts children in process groups of their own, shows what they print, and reaps them.
#[derive(Debug)]
pub(super) struct Spawner {
    command: Command,
    /// Where output is relayed: not where checks are made, so that no flood of it delays one.
    relays: Handle,
    cgroups: Option<(Cgroups, Entry)>,
    orphans: Orphans,
    /// Whether somebody attends to the orphans already.
    attended: bool,
}

/// A child that runs.
#[derive(Debug)]
pub(super) struct Spawned {
    pub(super) group: Group,
    pub(super) pid: u32,
    child: Child,
    leader: Pid,
    relay: JoinHandle<((), ())>,
    orphans: Orphans,
}

impl Spawner {
    /// Must be called inside the runtime that is to relay output.
    pub(super) fn new(mut command: Command) -> Self {
        let cgroups = Cgroups::delegated().map(|cgroups| (cgroups, Entry::of(&mut command)));
        Self { command, relays: Handle::current(), cgroups, orphans: Orphans::new(), attended: false }
    }

    /// Starts a child with these environment variables, and with its address, which marks all that it starts.
    pub(super) fn spawn(
        &mut self,
        id: RunnerId,
        address: &Address,
        variables: impl IntoIterator<Item = (&'static str, String)>,
        stdin: Stdio,
    ) -> Result<Spawned, LaunchError> {
        self.command.envs(variables).env(variable::LISTEN, address.to_string());
        let (cgroup, entrance) = self.cgroup(id).unzip();
        let started = self.start(stdin, entrance.as_ref());
        let (child, stdout, stderr) = started.map_err(|error| {
            let program = self.command.get_program().display();
            LaunchError::io(format!("{program} could not be started"), error)
        })?;
        let (group, leader) =
            Group::led_by(&child, cgroup).ok_or_else(|| LaunchError::new("the process has no id"))?;
        self.orphans.runner_started(leader, address);
        if !std::mem::replace(&mut self.attended, true) {
            tokio::spawn(self.orphans.attend());
        }
        let relay = self.relays.spawn(async move {
            join(output::relay(stdout, id, "stdout"), output::relay(stderr, id, "stderr")).await
        });
        Ok(Spawned { group, pid: child.id(), child, leader, relay, orphans: self.orphans })
    }

    fn cgroup(&self, id: RunnerId) -> Option<(Cgroup, File)> {
        let (cgroups, _) = self.cgroups.as_ref()?;
        let made = cgroups.make(id);
        made.inspect_err(|error| tracing::debug!(%error, "a runner has no control group")).ok()
    }

    fn start(
        &mut self,
        stdin: Stdio,
        entrance: Option<&File>,
    ) -> io::Result<(Child, pipe::Receiver, pipe::Receiver)> {
        // Pipes are read where the relays run.
        let _reader = self.relays.enter();
        let (stdout, stderr) = (pipe::pipe()?, pipe::pipe()?);
        self.command
            .stdin(stdin)
            .stdout(stdout.0.into_blocking_fd()?)
            .stderr(stderr.0.into_blocking_fd()?)
            .process_group(0);
        let spawned = match &self.cgroups {
            Some((_, entry)) => entry.through(entrance, || self.command.spawn()),
            None => self.command.spawn(),
        };
        // The command keeps its streams, and the other end of one never closes while this process holds it too.
        self.command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok((spawned?, stdout.1, stderr.1))
    }
}

impl Drop for Spawner {
    fn drop(&mut self) {
        self.orphans.end();
    }
}

impl Spawned {
    /// Waits for its end, and ends what is left of it.
    pub(super) async fn end(mut self) -> Exit {
        let exit = self.group.end(self.child).await;
        self.orphans.runner_ended(self.leader);
        if tokio::time::timeout(LAST_WORDS, &mut self.relay).await.is_err() {
            self.relay.abort();
        }
        exit
    }
}
