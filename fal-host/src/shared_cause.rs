//! What replicas share whose last checks have the same finding.

use fal_health::{Failure, Outcome};

/// What to do when several replicas have the same finding, as the end of a sentence.
pub(crate) const fn shared_cause(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Failure(Failure::Status(_)) => {
            "they share its cause, such as a database. Repair that; to replace runners does not help"
        }
        Outcome::Failure(Failure::Timeout) => {
            "they share its cause, such as a dependency that hangs or a machine without free processor time. Repair that; to \
             replace runners does not help"
        }
        Outcome::Failure(Failure::Connect) => {
            "their servers accept no connection. What they printed says why, or the limits on processes and open files"
        }
        Outcome::Failure(Failure::Disconnected) => {
            "their servers close connections before they answer. What they printed says why, or the limits on processes and memory"
        }
        Outcome::Failure(Failure::Malformed) => "their servers answer with something else than HTTP",
        _ => "their requests hang, and they share the cause. Find out what these wait for",
    }
}
