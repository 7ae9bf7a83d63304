//! What the driver keeps of a runner until its launch has ended, and what it says about one that takes long.

use std::sync::Arc;
use std::time::Duration;

use fal_health::Time;
use rustix::process::Pid;

use crate::amounts::whole_seconds;
use crate::evidence::Evidence;
use crate::fleet::FleetEvent;
use crate::id::RunnerId;
use crate::launch::{NOT_EXECUTED, advice};

/// How long a launch may take before the log says so.
const LONG: Duration = Duration::from_secs(10);

/// A launch in flight.
pub(super) struct LaunchInFlight {
    pub(super) id: RunnerId,
    /// When it began.
    pub(super) started: Time,
    /// When to look at it next.
    pub(super) look: Time,
    /// The host is to end at once: the process is killed as soon as there is one.
    pub(super) is_unwanted: bool,
    /// Why the process was killed, if it was: the launch took as long as a start may.
    pub(super) killed: Option<String>,
    pub(super) evidence: Arc<Evidence>,
    /// What the runner has reported meanwhile. The fleet gets it after the start (S61b).
    pub(super) reports: Vec<FleetEvent>,
}

impl LaunchInFlight {
    pub(super) fn new(id: RunnerId, started: Time, limit: Duration, evidence: Arc<Evidence>) -> Self {
        let look = started + LONG.min(limit);
        Self { id, started, look, is_unwanted: false, killed: None, evidence, reports: Vec::new() }
    }

    /// Looks next after twice the time, and when a start may take no longer.
    pub(super) fn looked(&mut self, now: Time, limit: Duration) {
        let age = now.since(self.started);
        let next = age.saturating_mul(2).max(LONG);
        self.look = self.started + if age < limit { next.min(limit) } else { next };
    }

    /// What the host knows while the launch takes long. `unstarted`: the program that is being started and its process.
    pub(super) fn hint(&self, unstarted: Option<(&str, Pid)>, waiting: usize, now: Time) -> String {
        let age = whole_seconds(now.since(self.started));
        let (cause, end) = match unstarted {
            Some((program, process)) => (
                format!("{NOT_EXECUTED} {program} for {age}; {}", advice(&program)),
                format!("; `kill -9 {}` ends this start", process.as_raw_nonzero()),
            ),
            None => (format!("its launcher has not returned for {age}"), String::new()),
        };
        let waiting = match waiting {
            0 => String::new(),
            1 => "; 1 further start waits for it".to_owned(),
            _ => format!("; {waiting} further starts wait for it"),
        };
        format!("{cause}{waiting}{end}")
    }
}

/// Why a runner was not ready in time whose program the system has not executed.
pub(super) fn not_executed(program: &str) -> String {
    format!("{NOT_EXECUTED} {program}; {}", advice(&program))
}
