//! What every test needs: a director for the fixture, a host in this process or a program of its own, and clients.

mod client;
mod collector;
mod director;
mod exposition;
mod history;
mod host;
mod page;
mod process;
mod program;
mod terminal;

use std::time::Duration;

pub(crate) use client::{Client, Pending, Request, Response, TOKEN};
pub(crate) use collector::{Collector, SentSpan};
pub(crate) use director::{ASKS, Director, Held, Kind, STOPS};
pub(crate) use exposition::Exposition;
pub(crate) use history::History;
pub(crate) use host::{
    TestHost, app, blocking_app, checks_elsewhere, health, is_conclusive, on_request, serving_at_a_time,
};
pub(crate) use page::assert_own_inline_parts;
pub(crate) use process::Process;
pub(crate) use program::{Output, Program, fixture, output};
pub(crate) use terminal::{open_terminal, run_in_background};

/// The check interval in tests: short, so that several checks pass while something else happens.
pub(crate) const INTERVAL: Duration = Duration::from_millis(20);

/// The deadline of every wait. Only a failing test reaches it.
const GUARD: Duration = Duration::from_secs(40);

/// Waits for a future until the deadline.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(GUARD, future).await.unwrap_or_else(|_| panic!("timed out waiting for {what}"))
}
