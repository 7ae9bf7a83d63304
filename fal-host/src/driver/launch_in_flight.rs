//! What the driver keeps of a runner until its launch has ended.

use std::sync::Arc;

use fal_health::Time;

use crate::evidence::Evidence;
use crate::fleet::FleetEvent;
use crate::id::RunnerId;

/// A launch in flight.
pub(super) struct LaunchInFlight {
    pub(super) id: RunnerId,
    /// When it began.
    pub(super) started: Time,
    pub(super) evidence: Arc<Evidence>,
    /// What the runner has reported meanwhile. The fleet gets it after the start (S61b).
    pub(super) reports: Vec<FleetEvent>,
}
