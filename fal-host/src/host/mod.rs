//! The public face of the host: what an app declares to it, its settings, its start, and the handle of a running one.

mod builder;
mod error;
mod handle;
mod listeners;
mod spec;
mod start;

#[cfg(feature = "cli")]
pub(crate) use self::builder::MaxReplacing;
pub use self::builder::{Host, HostBuilder};
pub use self::error::{InvalidHealthCheck, ListenerKind, StartError};
pub use self::handle::HostHandle;
pub use self::spec::AppSpec;
