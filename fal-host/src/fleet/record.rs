//! Why and how a runner ended, and the record that remains of it.

use std::fmt;

use fal_health::{CheckRecord, Time};
use serde::Serialize;

use super::exit::Exit;
use super::step::Step;
use crate::id::RunnerId;

/// How many records of ended runners a host keeps ([S36](fal_health::semantics#s36)).
pub const MAX_RECORDS: usize = 256;

/// Why a runner ended ([S36](fal_health::semantics#s36)). The first reason wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// As many periodic checks failed in a row as the failure threshold says
    /// ([S24](fal_health::semantics#s24)).
    Unhealthy,
    /// A manual check failed ([S25](fal_health::semantics#s25)).
    ManualCheckFailed,
    /// Its process ended by itself while it was ready ([S34](fal_health::semantics#s34)).
    Exited,
    /// One of its responses said that it cannot go on ([S58](fal_health::semantics#s58)).
    Requested,
    /// It was ready and refused connections ([S39](fal_health::semantics#s39)).
    Unreachable,
    /// Its setup failed, its process ended before it was ready, or its process could not be started
    /// ([S35](fal_health::semantics#s35)).
    SetupFailed,
    /// It was not ready within the startup timeout ([S35](fal_health::semantics#s35)).
    StartupTimeout,
    /// The resident memory of its processes has reached the limit ([S54](fal_health::semantics#s54)).
    Memory,
    /// It has reached the greatest age that a runner may have ([S54](fal_health::semantics#s54)).
    Age,
    /// It has served as many requests as a runner may ([S54](fal_health::semantics#s54)).
    Requests,
    /// An operator ordered its end ([S87](fal_health::semantics#s87)).
    Operator,
    /// A rolling restart replaced it.
    Restarted,
    /// It was a successor that had not replaced its runner when its rolling restart ended, because another successor
    /// failed ([S52](fal_health::semantics#s52)).
    RestartAborted,
    /// The host was told to keep fewer runners ([S76](fal_health::semantics#s76)).
    ScaledDown,
    /// The host stopped.
    Stopped,
}

impl Reason {
    /// Whether the host ended the runner without a fault of the runner.
    pub(crate) const fn is_planned(self) -> bool {
        matches!(
            self,
            Self::Memory
                | Self::Age
                | Self::Requests
                | Self::Operator
                | Self::Restarted
                | Self::RestartAborted
                | Self::ScaledDown
                | Self::Stopped
        )
    }

    /// The name of the reason in logs and the admin interface.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unhealthy => "unhealthy",
            Self::ManualCheckFailed => "manual_check_failed",
            Self::Exited => "exited",
            Self::Requested => "requested",
            Self::Unreachable => "unreachable",
            Self::SetupFailed => "setup_failed",
            Self::StartupTimeout => "startup_timeout",
            Self::Memory => "memory",
            Self::Age => "age",
            Self::Requests => "requests",
            Self::Operator => "operator",
            Self::Restarted => "restarted",
            Self::RestartAborted => "restart_aborted",
            Self::ScaledDown => "scaled_down",
            Self::Stopped => "stopped",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The record of a runner that has ended ([S36](fal_health::semantics#s36)).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RunnerRecord {
    /// The runner.
    pub id: RunnerId,
    /// The index of its replica, from 0 ([S47](fal_health::semantics#s47)).
    pub index: usize,
    /// Its process. `None` if no process could be started, or if it had none of its own.
    pub pid: Option<u32>,
    /// When its process started.
    pub started: Time,
    /// When the host learned that its process had ended.
    pub ended: Time,
    /// Why it ended.
    pub reason: Reason,
    /// What it went through, in order.
    pub steps: Vec<Step>,
    /// More about the reason, such as the error of its setup.
    pub detail: Option<String>,
    /// Its last checks, oldest first.
    pub checks: Vec<CheckRecord>,
    /// How its process ended. `None` if there was no process, or if it survived SIGKILL ([S60b](fal_health::semantics#s60b)).
    /// Then [`detail`](Self::detail) says so.
    pub exit: Option<Exit>,
}
