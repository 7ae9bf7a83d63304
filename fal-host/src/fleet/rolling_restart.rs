//! The state of a rolling restart.

use std::collections::VecDeque;

use super::replica::ReplicaIndex;
use crate::id::RunnerId;

/// A rolling restart that is under way.
#[derive(Debug)]
pub(super) struct RollingRestart {
    pub(super) remaining: VecDeque<RunnerId>,
    /// The runner that is being replaced, and its replica.
    pub(super) current: Option<(RunnerId, ReplicaIndex)>,
}
