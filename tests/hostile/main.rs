//! Hostile runners: what a host does about programs that misbehave, and about real faults.
//!
//! Most tests run two runners. One is told to misbehave (`program/`), while clients send requests without a pause. It must
//! end for the right reason within the time that the contract gives, or be left alone. The requests of the other runner
//! must not notice. `tests/docs/scenarios.rs` names for each rule a test in which it acts and one in which it must not.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails, and says why"
)]

mod checks;
#[expect(dead_code, reason = "the program uses the rest")]
mod fault;
mod fleets;
#[path = "../suite/harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the suite uses the rest")]
mod harness;
mod processes;
mod requests;
mod rig;
mod starts;
mod unread;
