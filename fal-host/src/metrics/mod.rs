//! What the host counts (S82).
//!
//! Requests are counted where they are served, with atomics that were allocated when the host started: see
//! [`RequestMetrics`]. Everything else is counted from the host's events by the control thread: see [`FleetMetrics`].
//! Runners send what they count: see [`RunnerMetrics`].

mod counted;
mod endpoints;
mod fleet;
mod merging;
mod requests;
mod runners;
#[cfg(feature = "metrics")]
mod texts;

pub(crate) use counted::Counted;
pub(crate) use endpoints::{EndpointIndex, OTHER};
pub(crate) use fleet::FleetMetrics;
pub(crate) use requests::{Completion, RequestMetrics};
pub(crate) use runners::RunnerMetrics;
