//! The reasons of ends, in words, and the rules that they follow from.

use crate::fleet::Reason;

/// The cause of an end, as a part of a sentence.
pub(super) const fn because(reason: Reason) -> &'static str {
    match reason {
        Reason::Unhealthy => {
            "as many checks in a row failed as its failure threshold allows (`--failure-threshold`)"
        }
        Reason::ManualCheckFailed => "a manual check of it failed, which makes a runner unhealthy at once",
        Reason::Exited => "its process ended by itself while it was ready",
        Reason::Requested => "one of its responses said, with `x-fal-stop-runner`, that it cannot go on",
        Reason::Unreachable => {
            "it was in the rotation and refused the connection of a request twice in a row"
        }
        Reason::SetupFailed => {
            "its setup failed, or its process ended or could not be started before it was ready"
        }
        Reason::StartupTimeout => "it was not ready within the startup timeout",
        Reason::Memory => "its processes reached the limit on memory (`--max-memory`)",
        Reason::Age => "it reached the greatest age (`--max-age`)",
        Reason::Requests => "it served as many requests as a runner may (`--max-requests`)",
        Reason::Operator => "an operator ordered it",
        Reason::Restarted => "a rolling restart replaced it",
        Reason::RestartAborted => {
            "it was the successor in a rolling restart that another successor's failure ended"
        }
        Reason::ScaledDown => "the host was told to keep fewer runners",
        Reason::Stopped => "the host stopped",
    }
}

/// The rule that an end follows from.
pub(super) const fn rule(reason: Reason) -> &'static str {
    match reason {
        Reason::Unhealthy => "S24",
        Reason::ManualCheckFailed => "S25",
        Reason::Exited => "S34",
        Reason::Requested => "S58b",
        Reason::Unreachable => "S39e",
        Reason::SetupFailed | Reason::StartupTimeout => "S35c",
        Reason::Memory | Reason::Age | Reason::Requests => "S54a",
        Reason::Operator => "S87a",
        Reason::Restarted => "S52",
        Reason::RestartAborted => "S52b",
        Reason::ScaledDown => "S76b",
        Reason::Stopped => "S41d",
    }
}
