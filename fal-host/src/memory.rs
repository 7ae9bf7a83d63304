//! Measures the resident memory of runners, on another thread than the one that checks them (S54).

use std::fs;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use crate::evidence::bytes_of;
use crate::fleet::FleetEvent;
use crate::id::RunnerId;

/// How often the memory of every runner is measured.
const SAMPLE_INTERVAL: Duration = Duration::from_secs(2);

/// How many processes of one runner are measured. A runner that forks without end costs no more.
const MAX_PROCESSES: usize = 1_000;

/// Measures the memory of runners at intervals, if their memory is limited.
#[derive(Debug)]
pub(crate) struct MemorySampler {
    fleet_events: mpsc::UnboundedSender<FleetEvent>,
    /// When to measure next. `None` if memory is not limited.
    next: Option<Instant>,
    measuring: Option<JoinHandle<()>>,
}

impl MemorySampler {
    pub(crate) fn new(is_limited: bool, fleet_events: mpsc::UnboundedSender<FleetEvent>) -> Self {
        let next = is_limited.then(|| Instant::now() + SAMPLE_INTERVAL);
        Self { fleet_events, next, measuring: None }
    }

    /// Waits until it is time to measure. Cancel safe.
    pub(crate) async fn due(&self) {
        match self.next {
            Some(next) => sleep_until(next).await,
            None => std::future::pending().await,
        }
    }

    /// Measures these processes on a thread for blocking work, unless the last measurement still runs.
    pub(crate) fn sample(&mut self, processes: Vec<(RunnerId, u32)>) {
        self.next = Some(Instant::now() + SAMPLE_INTERVAL);
        if self.measuring.as_ref().is_some_and(|measuring| !measuring.is_finished()) {
            return;
        }
        let fleet_events = self.fleet_events.clone();
        self.measuring = Some(tokio::task::spawn_blocking(move || {
            for (id, pid) in processes {
                if let Some(bytes) = resident_memory(pid) {
                    let _ = fleet_events.send(FleetEvent::MemoryMeasured { id, bytes });
                }
            }
        }));
    }
}

/// The resident memory of a process and its descendants, in bytes. `None` where the system does not show it.
fn resident_memory(pid: u32) -> Option<u64> {
    let mut total = resident_memory_of_one(pid)?;
    let mut pending = children(pid);
    let mut measured = 1;
    while let Some(pid) = pending.pop().filter(|_| measured < MAX_PROCESSES) {
        // It may have ended meanwhile.
        total += resident_memory_of_one(pid).unwrap_or_default();
        pending.extend(children(pid));
        measured += 1;
    }
    Some(total)
}

fn resident_memory_of_one(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    bytes_of(&status, "VmRSS:")
}

fn children(pid: u32) -> Vec<u32> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let of_task = |task: fs::DirEntry| fs::read_to_string(task.path().join("children")).ok();
    let lists: Vec<String> = tasks.flatten().filter_map(of_task).collect();
    lists.iter().flat_map(|list| list.split_whitespace()).filter_map(|pid| pid.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn the_memory_of_a_process_includes_that_of_its_child_processes_s54a() {
        let own = resident_memory(std::process::id()).unwrap();
        assert!(own >= resident_memory_of_one(std::process::id()).unwrap() / 2);
        let mut shell = Command::new("sh");
        // The shell waits for its child process, which waits for the end of its input.
        let mut shell = shell.args(["-c", "cat; true"]).stdin(Stdio::piped()).spawn().unwrap();
        // Before it is `cat`, it shows no memory for a moment.
        let is_cat =
            |pid: &u32| fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name == "cat\n");
        while !children(shell.id()).iter().any(is_cat) {
            std::thread::yield_now();
        }
        let (alone, all) = (resident_memory_of_one(shell.id()), resident_memory(shell.id()));
        drop(shell.stdin.take());
        shell.wait().unwrap();
        assert!(all > alone && alone.is_some(), "{all:?} of both, {alone:?} of the shell");
    }

    #[test]
    fn a_process_that_has_ended_has_no_memory_s54a() {
        let mut ended = Command::new("true").spawn().unwrap();
        ended.wait().unwrap();
        assert_eq!(resident_memory(ended.id()), None);
    }
}
