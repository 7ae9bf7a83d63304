//! Tests of the rules, with real processes and real HTTP.
//!
//! A test's name is the sentence that it proves, with the numbers of its rules. Most tests run a host in this process,
//! whose runners are processes of the fixture, and direct what those do ([`harness::Director`]); some run the command
//! line. Nothing sleeps: a test waits for a call or an event to come, and where it has to show that something does
//! *not* come, it waits for something else that would come later.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails, and says why"
)]

mod admin;
mod bare_runner;
mod command_line;
mod examples;
mod failed_starts;
mod failures;
mod harness;
mod host_process;
mod manual_checks;
mod overdue;
mod periodic_checks;
mod replacement;
mod requests;
mod restarting;
mod stopping;
mod traffic;
mod verdicts;
