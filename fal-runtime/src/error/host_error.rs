//! The response body of the host's own failures, for the OpenAPI document.

use schemars::JsonSchema;

/// What a client reads when it is the host that failed, not the endpoint (S38).
#[derive(JsonSchema)]
#[expect(dead_code, reason = "the host writes it; here it is only described")]
pub(crate) struct HostError {
    /// What went wrong.
    detail: String,
    /// What went wrong, for programs.
    error_type: HostErrorType,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
#[expect(dead_code, reason = "only described")]
enum HostErrorType {
    /// Too many requests wait already.
    QueueFull,
    /// No runner took the request in time.
    QueueTimeout,
    /// The endpoint took too long.
    RequestTimeout,
    /// The runner was lost before it had answered.
    RunnerDisconnected,
    /// The host is stopping.
    HostStopping,
}
