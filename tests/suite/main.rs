//! Tests of the rules, with real processes and real HTTP.
//!
//! A test's name is the sentence that it proves, with the numbers of its rules. Most tests run a host in this process. Its
//! runners are processes of the fixture, and the test directs what they do ([`harness::Director`]). Some tests run the
//! command line. No test sleeps: it waits for a call or an event. To show that an event does *not* come, it waits for
//! another one that would come later.

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
mod docs_page;
mod door;
mod event_stream;
mod examples;
mod explaining;
mod failed_starts;
mod failures;
mod first_pass;
mod harness;
mod hooks;
mod host_process;
mod hung_starts;
mod kernel;
mod logs;
mod manual_checks;
mod metrics;
mod new_programs;
mod operating;
mod overdue;
mod periodic_checks;
mod replacement;
mod replica_index;
mod requests;
mod restarting;
mod rollouts;
mod service_manager;
mod settings;
mod spares;
mod stop_runner;
mod stopping;
mod terminal;
mod traces;
mod traffic;
mod upgrades;
mod upgrades_under_load;
mod verdicts;
mod web_sockets;
