//! The public face of the host: what an app declares to it, its settings, its start, and the handle of a running one.

mod builder;
mod error;
mod handle;
mod listeners;
mod max_replacing;
mod replacing;
mod spec;
mod start;

pub use self::builder::{Host, HostBuilder};
pub use self::error::{InvalidHealthCheck, ListenerKind, StartError};
pub use self::handle::HostHandle;
#[cfg(feature = "cli")]
pub(crate) use self::max_replacing::MaxReplacing;
pub use self::spec::AppSpec;
