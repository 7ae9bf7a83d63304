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

impl RollingRestart {
    /// Whether this runner, of the replica at `index`, is the successor of the runner that is being replaced.
    pub(super) fn is_successor(&self, id: RunnerId, index: ReplicaIndex) -> bool {
        self.current.is_some_and(|(old, replica)| replica == index && old != id)
    }
}
