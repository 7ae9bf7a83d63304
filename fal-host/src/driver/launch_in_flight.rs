//! What the driver keeps of a runner until its launch has ended, and what it says about one that takes long.

use std::sync::Arc;
use std::time::Duration;

use fal_health::Time;
use rustix::process::Pid;

use crate::amounts::whole_seconds;
use crate::evidence::Evidence;
use crate::fleet::FleetEvent;
use crate::id::RunnerId;
use crate::launch::NOT_EXECUTED;

/// How long a launch may take before the log says so.
const LONG: Duration = Duration::from_secs(10);

/// A launch in flight.
pub(super) struct LaunchInFlight {
    pub(super) id: RunnerId,
    /// When it began.
    pub(super) started: Time,
    /// When to look at it next.
    pub(super) look: Time,
    /// Why the process was killed, if it was: the launch took as long as a start may.
    pub(super) killed: Option<String>,
    pub(super) evidence: Arc<Evidence>,
    /// What the runner has reported meanwhile. The fleet gets it after the start (S61b).
    pub(super) reports: Vec<FleetEvent>,
}

impl LaunchInFlight {
    pub(super) fn new(id: RunnerId, started: Time, limit: Duration, evidence: Arc<Evidence>) -> Self {
        let look = started + LONG.min(limit);
        Self { id, started, look, killed: None, evidence, reports: Vec::new() }
    }

    /// Looks next after twice the time, and when a start may take no longer.
    pub(super) fn looked(&mut self, now: Time, limit: Duration) {
        let age = now.since(self.started);
        let next = age.saturating_mul(2).max(LONG);
        self.look = self.started + if age < limit { next.min(limit) } else { next };
    }

    /// What the host knows while the launch takes long.
    pub(super) fn hint(
        &self,
        program: Option<&str>,
        process: Option<Pid>,
        waiting: usize,
        now: Time,
    ) -> String {
        let age = whole_seconds(now.since(self.started));
        let cause = match program {
            Some(program) => format!("{NOT_EXECUTED} {program} for {age}; {}", advice(program)),
            None => format!("its launcher has not returned for {age}"),
        };
        let waiting = match waiting {
            0 => String::new(),
            1 => "; 1 further start waits for it".to_owned(),
            _ => format!("; {waiting} further starts wait for it"),
        };
        let end = process.map(|pid| format!("; `kill -9 {}` ends this start", pid.as_raw_nonzero()));
        format!("{cause}{waiting}{}", end.unwrap_or_default())
    }
}

/// Why a runner was not ready in time whose program the system has not executed.
pub(super) fn not_executed(program: &str) -> String {
    format!("{NOT_EXECUTED} {program}; {}", advice(program))
}

fn advice(program: &str) -> String {
    format!("its file system may not answer (NFS, FUSE): see whether `ls -l {program}` returns")
}
