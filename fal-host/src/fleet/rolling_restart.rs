//! The state of a rolling restart, and how it ends.

use std::collections::{BTreeSet, VecDeque};

use serde::Serialize;

use super::failure_cause::FailureCause;
use super::record::Reason;
use super::replica::ReplicaIndex;
use crate::id::RunnerId;

/// A rolling restart that is under way.
#[derive(Debug)]
pub(super) struct RollingRestart {
    /// The replicas that still have an old runner, or whose successor has yet to prove healthy. The first one is being
    /// restarted.
    pub(super) remaining: VecDeque<ReplicaIndex>,
    /// The runner whose end the restart waits for before it goes on.
    pub(super) ending: Option<RunnerId>,
    /// Runners from this one on were started after the restart was requested.
    pub(super) first_new: RunnerId,
    /// The runners that it has started, or taken over while they started. If one of them fails, the restart ends (S52b).
    pub(super) successors: BTreeSet<RunnerId>,
    /// How many runners it has replaced.
    pub(super) replaced: usize,
}

/// Why a rolling restart ended before it had replaced every runner ([S52](fal_health::semantics#s52)).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RestartError {
    /// One of its successors failed. The runners that it had not replaced stay.
    #[error(
        "the rolling restart ended, because its new runner {runner} failed with `{reason}`{cause}; the runners that it had not \
         replaced stay, and `explain {runner}` says more"
    )]
    #[non_exhaustive]
    SuccessorFailed {
        /// The successor.
        runner: RunnerId,
        /// Why the successor ended.
        reason: Reason,
        /// Why it failed.
        cause: FailureCause,
    },
    /// The host stops.
    #[error("the host stopped before the rolling restart had ended")]
    HostStopped,
}

/// How far the last rolling restart is ([S52](fal_health::semantics#s52)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
#[non_exhaustive]
pub enum RestartStatus {
    /// It is under way.
    #[non_exhaustive]
    Restarting {
        /// How many runners it has yet to replace, with the one that it is replacing.
        remaining: usize,
    },
    /// It has replaced every runner.
    Completed,
    /// It ended because a successor failed.
    #[non_exhaustive]
    Aborted {
        /// The successor.
        runner: RunnerId,
        /// Why the successor ended.
        reason: Reason,
    },
}
