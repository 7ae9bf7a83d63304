//! What happens to overdue requests (S53a).

/// What happens to a request that its runner does not begin to answer in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnOverdue {
    /// It ends at `request_timeout`.
    End,
    /// It waits on, and its runner may be wedged (S53a).
    Wait,
}
