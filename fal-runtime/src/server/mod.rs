//! Serves an app's router: listener, connections, graceful shutdown.
//!
//! It drives hyper's HTTP/1 connections directly and adds:
//!
//! - A socket stays open after its connection while a call needs it ([`socket`], S38).
//! - A client that still sends can read its last response ([`closing_socket`], S43j).
//! - The listener closes without losing queued connections ([`listener`]).
//! - Health checks of the host have their own listener ([`health_listener`]).
//! - Open connections close without losing a request that is on its way ([`Server::drain`]).

#[cfg(feature = "cli")]
mod accept;
#[cfg(feature = "cli")]
mod body_wakes;
#[cfg(any(feature = "cli", feature = "cors"))]
mod catch_panic;
#[cfg(feature = "cli")]
mod closing_socket;
mod concurrency;
#[cfg(feature = "cli")]
mod connection;
#[cfg(feature = "cli")]
mod head_timer;
#[cfg(feature = "cli")]
mod health_listener;
#[cfg(feature = "cli")]
mod listener;
#[cfg(all(feature = "cli", feature = "metrics"))]
mod metrics_listener;
#[cfg(feature = "cli")]
mod probe_lane;
#[cfg(feature = "cli")]
mod request_body;
#[cfg(feature = "cli")]
mod socket;
#[cfg(feature = "cli")]
mod transport_stream;

#[cfg(feature = "cli")]
pub(crate) use accept::Server;
#[cfg(feature = "cors")]
pub(crate) use catch_panic::CatchPanicFuture;
pub(crate) use concurrency::CallGuard;
pub use concurrency::{ConcurrencyLimit, ConnectionHold};
#[cfg(feature = "cli")]
pub(crate) use connection::ReadTimeout;
#[cfg(feature = "cli")]
pub(crate) use health_listener::HealthListener;
#[cfg(feature = "cli")]
pub(crate) use listener::Listener;
#[cfg(all(feature = "cli", feature = "metrics"))]
pub(crate) use metrics_listener::MetricsListener;
#[cfg(feature = "cli")]
pub(crate) use probe_lane::{ProbeLane, ProbedApp};

#[cfg(test)]
#[cfg(feature = "cli")]
mod tests;
