//! The setting for a host that cannot start its runners, and the error with which it stops (S48).

use std::num::NonZeroU32;

use super::record::Reason;

/// When a host stops because its runners do not start ([S48](fal_health::semantics#s48)). It never does while a runner
/// takes requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GiveUp {
    /// After 5 failed starts of each replica in a row, until a runner takes requests for the first time. Then never.
    #[default]
    UntilFirstAdmission,
    /// After this many failed starts of each replica in a row, at any time.
    After(NonZeroU32),
    /// Never.
    Never,
}

/// A host gave up: its runners did not start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "gave up after {failed_starts} failed starts in a row; the last one failed with `{reason}`{}",
    detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default()
)]
#[non_exhaustive]
pub struct GaveUp {
    /// How many starts of one replica have failed in a row.
    pub failed_starts: u32,
    /// Why the last one failed.
    pub reason: Reason,
    /// The error of its setup, or why it could not be started.
    pub detail: Option<String>,
}
