//! The refusal for which a runner is replaced as unreachable (S39e).

use fal_health::Time;

/// A runner has refused the connection of a request.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    /// Where, and of which request (S119c).
    pub(super) refused: String,
    /// When the runner is replaced as unreachable, unless it turns out to have exited before (S36b).
    pub(super) until: Time,
}
