//! What every test needs: a director for the fixture, a host in this process or a program of its own, and clients.

mod client;
mod director;
mod history;
mod host;
mod process;
mod program;

use std::time::Duration;

pub(crate) use client::{Client, Pending, Request, Response};
pub(crate) use director::{ASKS, Director, Kind};
pub(crate) use history::History;
pub(crate) use host::{
    TestHost, app, blocking_app, checks_elsewhere, health, is_conclusive, on_request, serving_at_a_time,
};
pub(crate) use process::Process;
pub(crate) use program::{Program, fixture, output};

/// The distance of checks in tests: short, so that several pass while something else happens.
pub(crate) const INTERVAL: Duration = Duration::from_millis(20);

/// Nothing that a test waits for takes this long; it only makes a failing test end.
const GUARD: Duration = Duration::from_secs(40);

/// Waits for what has to come.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(GUARD, future).await.unwrap_or_else(|_| panic!("timed out waiting for {what}"))
}
