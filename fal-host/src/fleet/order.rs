//! What an operator may order for a runner (S87).

use serde::Deserialize;

use super::record::Reason;

/// What an operator orders for one runner ([S87a](fal_health::semantics#s87a)). Its successor starts in each case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RunnerOrder {
    /// Leave the rotation, finish the requests in flight within the drain timeout, and end. The successor starts at once.
    Drain,
    /// Stay until a successor has been healthy for the minimum healthy time, and then drain.
    Replace,
    /// Get SIGTERM at once. Requests in flight may finish within the grace period.
    Stop,
    /// Get SIGKILL at once, with every process that it started. Requests in flight are lost.
    Kill,
}

impl RunnerOrder {
    /// The name of the order on the command line and in the admin interface.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Drain => "drain",
            Self::Replace => "replace",
            Self::Stop => "stop",
            Self::Kill => "kill",
        }
    }
}

/// Why an order for a runner, or a request for a check of it, has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OrderError {
    /// No such runner, or it has ended.
    #[error("there is no such runner, or it has ended")]
    Unknown,
    /// It has no process yet.
    #[error("its process has not started yet")]
    NotStarted,
    /// Only a runner in the rotation can be checked on request.
    #[error("it is not in the rotation: only a runner that takes requests is checked on request")]
    NotInRotation,
    /// The app declares no health check.
    #[error("the app declares no health check")]
    NoHealthCheck,
    /// It ends already.
    #[error("it ends already, because of `{0}`")]
    Ending(Reason),
    /// The host stops, or has ended.
    #[error("the host is stopping")]
    HostStopping,
}
