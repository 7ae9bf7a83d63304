//! Hostile runners: what a host does about programs that misbehave, and about real faults.
//!
//! Most tests run two runners, of which one is told to misbehave (`program/`), while clients send requests without a
//! pause. The runner has to end for the right reason and in the time that the contract gives, or to be left alone, and
//! the requests of its neighbour must not notice. [`table`] says for every rule of the semantics page from S11 on where
//! it is shown to act, and where it is shown not to.

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
mod table;
mod unread;
