//! The setting for a host that cannot start its runners, and the error with which it stops (S48).

use std::num::NonZeroU32;

use super::failure_cause::FailureCause;
use super::record::Reason;
use super::runner::Runner;
use crate::id::RunnerId;

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
    "gave up after {failed_starts} failed starts in a row; the last one, runner {runner}, failed with `{reason}`{cause}"
)]
#[non_exhaustive]
pub struct GaveUp {
    /// How many starts of one replica have failed in a row.
    pub failed_starts: u32,
    /// The last runner that failed to start.
    pub runner: RunnerId,
    /// Why it failed.
    pub reason: Reason,
    /// Why it failed, in detail.
    pub cause: FailureCause,
}

/// A runner whose start has failed.
#[derive(Clone, Debug)]
pub(super) struct FailedStart {
    pub(super) runner: RunnerId,
    pub(super) reason: Reason,
    pub(super) cause: FailureCause,
}

impl FailedStart {
    /// The failed start of a runner whose reason to end is known.
    pub(super) fn of(runner: &Runner) -> Self {
        let reason = runner.reason.unwrap_or(Reason::SetupFailed);
        let cause = FailureCause { detail: runner.detail().map(str::to_owned), ..FailureCause::default() };
        Self { runner: runner.id, reason, cause }
    }
}
