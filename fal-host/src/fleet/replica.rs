//! A replica: one of the runners that there should be, whichever process it is at the moment.

use super::backoff::Backoff;
use super::record::Reason;
use crate::id::RunnerId;

/// The number of a replica in its fleet, from 0. A runner and its replacement have the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ReplicaIndex(pub(super) usize);

impl ReplicaIndex {
    pub(crate) const fn get(self) -> usize {
        self.0
    }
}

/// One of the runners that there should be.
#[derive(Clone, Debug)]
pub(super) struct Replica {
    /// The runner that serves for this replica, or is starting to.
    pub(super) current: Option<RunnerId>,
    /// The runner that becomes the current one when it has been healthy for long enough (S52a, S54c).
    pub(super) successor: Option<RunnerId>,
    /// Why the current runner ends then.
    pub(super) succession: Reason,
    /// The runner whose process must end before the next one starts.
    pub(super) awaited_exit: Option<RunnerId>,
    /// Its replacement because of periodic checks or a limit, until its current runner is stable (S40, S54).
    pub(super) replacement: Option<Replacement>,
    /// Whether its last runner used as much memory as its limit when it was first measured in service.
    pub(super) began_at_limit: bool,
    /// Holds its starts while they fail (S35e).
    pub(super) backoff: Backoff,
}

/// How far the replacement of a runner is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replacement {
    /// The old runner serves until its successor is healthy (S54c).
    Doubled,
    /// The old runner has left its replica.
    Vacated,
}

impl Replica {
    /// A replica without a runner. The seed decides its backoff jitter.
    pub(super) fn new(seed: u64) -> Self {
        let backoff = Backoff::new(seed);
        Self {
            current: None,
            successor: None,
            succession: Reason::Restarted,
            awaited_exit: None,
            replacement: None,
            began_at_limit: false,
            backoff,
        }
    }
}
