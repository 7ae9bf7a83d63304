//! Child processes on chosen cores. They end with their handle.

use std::fs;
use std::process::{self, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

/// How long a process may take to stop after SIGTERM, before SIGKILL.
const STOP_TIMEOUT: Duration = Duration::from_secs(3);

/// A child process, which is stopped when this is dropped.
#[derive(Debug)]
pub(crate) struct Child(process::Child);

impl Child {
    /// Starts a command on these cores, as `taskset` lists them, with the output in its pipe.
    pub(crate) fn start(command: &Command, cores: &str, stdout: Stdio) -> Result<Self> {
        let mut pinned = Command::new("taskset");
        pinned.args(["-c", cores]).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => pinned.env(name, value),
                None => pinned.env_remove(name),
            };
        }
        let spawned = pinned.stdin(Stdio::null()).stdout(stdout).spawn();
        Ok(Self(spawned.with_context(|| format!("cannot start {}", command.get_program().display()))?))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Kills the process.
    pub(crate) fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    pub(crate) fn take_stdout(&mut self) -> Option<process::ChildStdout> {
        self.0.stdout.take()
    }

    /// Sends SIGTERM, and waits for the end of the process, at most this long.
    pub(crate) fn stop(mut self, timeout: Duration) -> Result<()> {
        self.terminate(timeout).context("a program did not stop after SIGTERM")
    }

    fn terminate(&mut self, timeout: Duration) -> Option<()> {
        let pid = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw)?;
        let _ = kill_process(pid, Signal::TERM);
        let deadline = Instant::now() + timeout;
        while !matches!(self.0.try_wait(), Ok(Some(_))) {
            if Instant::now() > deadline {
                return None;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Some(())
    }

    /// Waits until the process has ended, which must be a success.
    pub(crate) fn wait(mut self) -> Result<()> {
        let status = self.0.wait()?;
        ensure!(status.success(), "a program of the benchmark failed: {status}");
        Ok(())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let has_ended = matches!(self.0.try_wait(), Ok(Some(_)));
        if !has_ended && self.terminate(STOP_TIMEOUT).is_none() {
            self.kill();
        }
    }
}

/// The child processes of a process.
pub(crate) fn children_of(pid: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect()
}

/// Moves a process with all its threads to these cores.
pub(crate) fn move_to(pid: u32, cores: &str) -> Result<()> {
    let mut command = Command::new("taskset");
    let output = command.args(["-a", "-p", "-c", cores]).arg(pid.to_string()).output()?;
    ensure!(
        output.status.success(),
        "cannot move process {pid}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
