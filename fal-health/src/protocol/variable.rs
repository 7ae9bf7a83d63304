//! The names of the environment variables that a host sets for its runners.

/// What all of the names begin with.
pub const PREFIX: &str = "FAL_RUNNER_";

/// The version of the contract that the host speaks.
pub const PROTOCOL: &str = "FAL_RUNNER_PROTOCOL";

/// The process id of the host.
pub const HOST_PID: &str = "FAL_RUNNER_HOST_PID";

/// Where the runner listens for requests.
pub const LISTEN: &str = "FAL_RUNNER_LISTEN";

/// Where the runner answers health checks.
pub const HEALTH_LISTEN: &str = "FAL_RUNNER_HEALTH_LISTEN";

/// The host's number for the runner.
pub const ID: &str = "FAL_RUNNER_ID";

/// The index of the replica that the runner is, from 0.
pub const INDEX: &str = "FAL_RUNNER_INDEX";

/// The time from SIGTERM to SIGKILL, in milliseconds.
pub const GRACE_MS: &str = "FAL_RUNNER_GRACE_MS";

/// The name of the app to run.
pub const APP: &str = "FAL_RUNNER_APP";
