//! What stands out about a runner or a host, in a few words (S116).

use serde::Serialize;

/// What stands out about a runner or a host, in a few words ([S116](fal_health::semantics#s116)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Note {
    /// What it is about.
    pub kind: NoteKind,
    /// The note itself. It may have text of clients and runners.
    pub text: String,
}

impl Note {
    /// A note without control characters: it may have text of runners, and goes to terminals.
    pub(crate) fn new(kind: NoteKind, text: &str) -> Self {
        Self { kind, text: text.replace(char::is_control, "\u{fffd}") }
    }
}

/// What a [`Note`] is about. JSON has the name in snake case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NoteKind {
    /// A runner is a spare.
    Spare,
    /// The start of a runner waits for that of another one, or takes long.
    SlowStart,
    /// A runner is set up.
    Setup,
    /// A server without this SDK listens at another address than expected.
    UnexpectedAddress,
    /// A runner waits for its first passed check.
    AwaitsFirstPass,
    /// A runner waits for the minimum healthy time.
    AwaitsMinHealthy,
    /// A runner waits for its start, because earlier ones failed.
    Backoff,
    /// A runner is unhealthy, and its replacement waits.
    Deferred,
    /// A runner ends.
    Ends,
    /// A runner will be replaced.
    ReplacementDue,
    /// The last check of a runner failed.
    CheckFailed,
    /// A runner has lost requests within a minute.
    RequestsLost,
    /// Overdue requests hold all permits of a runner.
    Wedged,
    /// The request runtime of a runner does not run.
    Stalled,
    /// Requests hold all permits of a runner while another request waits.
    Full,
    /// Requests wait for a permit.
    Queue,
    /// The host is paused.
    Paused,
    /// A rolling restart is under way.
    Restarting,
    /// The last rolling restart failed.
    RestartFailed,
    /// An upgrade is under way.
    Upgrading,
    /// The last upgrade failed.
    UpgradeFailed,
    /// Several replicas have the same finding.
    SharedFinding,
    /// Log lines could not be written.
    LogLinesLost,
    /// Spans are lost.
    SpansLost,
}
