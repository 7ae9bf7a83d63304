use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// The filter where `FAL_LOG` is not set.
pub(super) const DEFAULT_FILTER: LevelFilter = LevelFilter::INFO;

/// Whether log lines begin with the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Times {
    Written,
    /// The host writes one before every line of its runners.
    LeftToTheHost,
}

/// Sends the log of a runner to standard error, filtered by `FAL_LOG` (default `info`), unless the program has its own
/// already. Colours are for terminals only, and for none where `NO_COLOR` is set.
pub(crate) fn init(times: Times) {
    let filter = EnvFilter::builder().with_default_directive(DEFAULT_FILTER.into()).with_env_var("FAL_LOG");
    let wants_colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter.from_env_lossy())
        .with_writer(io::stderr)
        .with_target(false)
        .with_ansi(wants_colour && io::stderr().is_terminal())
        // It would panic in a runner whose host, and with it standard error, is gone.
        .log_internal_errors(false);
    // An error means that the program has set up its own.
    let _ = match times {
        Times::Written => log.try_init(),
        Times::LeftToTheHost => log.without_time().try_init(),
    };
}
