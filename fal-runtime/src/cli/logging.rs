//! The log of a runner on standard error.

use std::io::{self, IsTerminal};

use tracing_subscriber::prelude::*;

use super::log_filter;

/// Whether log lines begin with a timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timestamps {
    On,
    /// The host adds a timestamp to every line of its runners.
    Off,
}

/// Sets up a `tracing` subscriber that writes to standard error, filtered by `FAL_LOG` (default `info`). If the program has
/// set one up already, that one stays. Colours are used on terminals only, and never if `NO_COLOR` is set.
pub(crate) fn init(timestamps: Timestamps) {
    let wants_colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_target(false)
        .with_ansi(wants_colour && io::stderr().is_terminal())
        // An error would panic if the host, and with it the reader of standard error, has exited.
        .log_internal_errors(false);
    let log = tracing_subscriber::registry().with(log_filter::from_env(log_filter::DEFAULT_FILTER));
    #[cfg(feature = "otel")]
    let log = log.with(crate::traces::layer());
    // An error means that the program has set up its own subscriber.
    let _ = match timestamps {
        Timestamps::On => log.with(lines).try_init(),
        Timestamps::Off => log.with(lines.without_time()).try_init(),
    };
}
