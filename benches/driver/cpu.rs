//! CPU time of processes and of the machine.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::child::children_of;

/// CPU time that was used so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CpuTime {
    pub(crate) total: Duration,
    /// The part of it that was not spent in the kernel.
    pub(crate) user: Duration,
}

impl CpuTime {
    /// Of these processes together.
    pub(crate) fn of(pids: &[u32]) -> Result<Self> {
        let mut sum = Self::default();
        for pid in pids {
            let one = Self::of_process(*pid).with_context(|| format!("process {pid} has ended"))?;
            sum.total += one.total;
            sum.user += one.user;
        }
        Ok(sum)
    }

    /// The scheduler counts nanoseconds, and the kernel's share of them in ticks of 10 ms.
    fn of_process(pid: u32) -> Result<Self> {
        let mut nanoseconds = 0;
        for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
            // A thread may end meanwhile.
            let Ok(text) = fs::read_to_string(thread?.path().join("schedstat")) else { continue };
            nanoseconds += text.split(' ').next().and_then(|number| number.parse::<u64>().ok()).unwrap_or(0);
        }
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let fields = stat.rsplit(')').next().unwrap_or_default();
        let mut ticks = fields.split_whitespace().skip(11).filter_map(|number| number.parse::<f64>().ok());
        let (user, system) = (ticks.next().unwrap_or(0.0), ticks.next().unwrap_or(0.0));
        let total = Duration::from_nanos(nanoseconds);
        Ok(Self { total, user: total.mul_f64(user / (user + system).max(1.0)) })
    }

    pub(crate) fn since(self, earlier: Self) -> Self {
        Self { total: self.total.saturating_sub(earlier.total), user: self.user.saturating_sub(earlier.user) }
    }
}

/// A process and all that it has started.
fn with_descendants(pid: u32) -> Vec<u32> {
    let mut pids = vec![pid];
    let mut next = 0;
    while let Some(pid) = pids.get(next) {
        pids.extend(children_of(*pid));
        next += 1;
    }
    pids
}

/// Finds what else ran on the machine, while this program and its children measured.
#[derive(Debug)]
pub(crate) struct Bystanders {
    busy: Duration,
    own: Duration,
}

impl Bystanders {
    pub(crate) fn start() -> Result<Self> {
        let pids = with_descendants(std::process::id());
        Ok(Self { busy: busy()?, own: CpuTime::of(&pids)?.total })
    }

    /// The CPU time that others took since then, as a share of one core over `elapsed`. Processes that ended in
    /// between must not have been started before.
    pub(crate) fn share(&self, elapsed: Duration) -> Result<f64> {
        let now = Self::start()?;
        let own = now.own.saturating_sub(self.own);
        Ok(now.busy.saturating_sub(self.busy).saturating_sub(own).as_secs_f64() / elapsed.as_secs_f64())
    }
}

/// The time in which cores were not idle, and the time that the hypervisor took from them.
fn busy() -> Result<Duration> {
    let stat = fs::read_to_string("/proc/stat")?;
    let line = stat.lines().next().unwrap_or_default();
    // user nice system idle iowait irq softirq steal; guests are part of user.
    let ticks: Vec<u64> = line.split_whitespace().skip(1).filter_map(|number| number.parse().ok()).collect();
    let busy: u64 = ticks.iter().take(8).sum::<u64>() - ticks.iter().skip(3).take(2).sum::<u64>();
    Ok(Duration::from_secs(busy) / u32::try_from(rustix::param::clock_ticks_per_second())?)
}
