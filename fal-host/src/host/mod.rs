//! The public face of the host: what an app declares to it, its settings, its start, and the handle of a running one.

mod admin_thread;
mod builder;
mod doors;
mod error;
mod handle;
mod listeners;
mod operators;
#[cfg(feature = "cli")]
mod program;
mod replacing;
mod spec;
mod start;
#[cfg(feature = "cli")]
mod takeover;
#[cfg(feature = "otel")]
mod tracing;

pub use self::builder::{Host, HostBuilder};
pub use self::error::{InvalidHealthCheck, ListenerKind, StartError};
pub use self::handle::HostHandle;
#[cfg(feature = "cli")]
pub(crate) use self::listeners::SharedSockets;
pub use self::spec::AppSpec;
