//! What stands between the network and an app's router: a listener, its connections, and their orderly end.
//!
//! hyper's HTTP/1 connections are driven directly. Three things are ours:
//!
//! - A connection's socket outlives the connection for as long as a call needs it ([`socket`], S38).
//! - The listener ends without turning away who has already connected ([`listener`]).
//! - A host's checks are answered beside all that ([`health_listener`]).
//! - Open connections end without losing the request that is on its way ([`Server::drain`]).

#[cfg(feature = "cli")]
mod accept;
mod catch_panic;
mod concurrency;
#[cfg(feature = "cli")]
mod connection;
#[cfg(feature = "cli")]
mod health_listener;
#[cfg(feature = "cli")]
mod listener;
#[cfg(feature = "cli")]
mod request_body;
#[cfg(feature = "cli")]
mod socket;

#[cfg(feature = "cli")]
pub(crate) use accept::Server;
pub(crate) use catch_panic::CatchPanicLayer;
pub(crate) use concurrency::CallGuard;
pub use concurrency::{ConcurrencyLimit, ConnectionHold};
#[cfg(feature = "cli")]
pub(crate) use connection::ReadTimeout;
#[cfg(feature = "cli")]
pub(crate) use health_listener::HealthListener;
#[cfg(feature = "cli")]
pub(crate) use listener::Listener;

#[cfg(all(test, feature = "cli"))]
mod tests;
