//! What a runner went through, with times.

use fal_health::Time;
use serde::Serialize;

/// What a runner went through (S85). Unlike the states of [S37](fal_health::semantics#s37), a step does not depend on the
/// requests in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StepKind {
    /// Its start waits, because earlier ones failed.
    CrashBackoff,
    /// Its process is being started.
    Pending,
    /// Its process runs, and its setup.
    Setup,
    /// It is ready and waits for its first pass.
    AwaitingFirstPass,
    /// It is ready, as a spare.
    StandsBy,
    /// It takes requests.
    InRotation,
    /// It finishes its requests.
    Draining,
    /// It was sent SIGTERM.
    Terminating,
    /// It was sent SIGKILL.
    Killed,
}

/// A step of a runner and its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// What began.
    pub kind: StepKind,
    /// When it began.
    pub at: Time,
}
