//! The state of a rolling restart.

use std::collections::VecDeque;

use super::replica::{Replica, ReplicaIndex};
use crate::id::RunnerId;

/// A rolling restart that is under way.
#[derive(Debug)]
pub(super) struct RollingRestart {
    pub(super) remaining: VecDeque<RunnerId>,
    /// The runner that is being replaced, and its replica.
    pub(super) current: Option<(RunnerId, ReplicaIndex)>,
}

impl RollingRestart {
    /// Whether this runner, of the replica at `index`, is the successor of the runner that is being replaced. It takes the
    /// place of that runner before it is stable. A runner that an earlier restart drains belongs to no replica.
    pub(super) fn is_successor(&self, id: RunnerId, index: ReplicaIndex, replica: &Replica) -> bool {
        self.current.is_some_and(|(old, restarting)| restarting == index && old != id)
            && (replica.current == Some(id) || replica.successor == Some(id))
    }
}
