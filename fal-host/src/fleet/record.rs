use std::fmt;

use fal_health::{CheckRecord, Time};
use serde::Serialize;

use crate::RunnerId;

/// How many ended runners a host remembers (S36).
pub const RECORDS: usize = 256;

/// Why a runner ended (S36). The first reason wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// As many periodic checks failed in a row as the threshold says (S24).
    Unhealthy,
    /// A check that a response had asked for failed (S25).
    ManualCheckFailed,
    /// Its process ended by itself while it was ready (S34).
    Exited,
    /// It was ready and took no connection (S39).
    Unreachable,
    /// Its setup failed, or its process ended before it was ready, or could not be started (S35).
    SetupFailed,
    /// It was not ready in time (S35).
    StartupTimeout,
    /// It was replaced by plan.
    Restarted,
    /// The host stopped.
    Stopped,
}

impl Reason {
    /// The reason's name, as logs and the admin interface spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unhealthy => "unhealthy",
            Self::ManualCheckFailed => "manual_check_failed",
            Self::Exited => "exited",
            Self::Unreachable => "unreachable",
            Self::SetupFailed => "setup_failed",
            Self::StartupTimeout => "startup_timeout",
            Self::Restarted => "restarted",
            Self::Stopped => "stopped",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// By itself, with this status.
    Status(i32),
    /// By this signal.
    Signal(i32),
    /// Nobody could learn how.
    Unknown,
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "status {status}"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

impl From<std::process::ExitStatus> for Exit {
    fn from(status: std::process::ExitStatus) -> Self {
        use std::os::unix::process::ExitStatusExt;
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Status(code),
            (None, Some(signal)) => Self::Signal(signal),
            (None, None) => Self::Unknown,
        }
    }
}

/// What remains of a runner that has ended (S36).
#[derive(Clone, Debug)]
pub struct RunnerRecord {
    /// Which runner it was.
    pub id: RunnerId,
    /// Its process; none where it could not be started.
    pub pid: Option<u32>,
    /// When its process was started.
    pub started: Time,
    /// When the end of its process was known.
    pub ended: Time,
    /// Why it ended.
    pub reason: Reason,
    /// What is known beyond the reason: the error of its setup, say.
    pub detail: Option<String>,
    /// Its last checks, oldest first.
    pub checks: Vec<CheckRecord>,
    /// How its process ended; none where there was none.
    pub exit: Option<Exit>,
}
