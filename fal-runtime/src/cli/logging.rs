//! The log of a runner on standard error.

use std::io::{self, IsTerminal, Write};

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

/// The level of targets that `FAL_LOG` does not name.
pub(super) const DEFAULT_FILTER: LevelFilter = LevelFilter::INFO;

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
        // An error would panic if the host, and with it the reader of standard error, is gone.
        .log_internal_errors(false);
    let wanted = std::env::var_os("FAL_LOG").unwrap_or_default();
    let log = tracing_subscriber::registry().with(filter(&wanted.to_string_lossy()));
    // An error means that the program has set up its own subscriber.
    let _ = match timestamps {
        Timestamps::On => log.with(lines).try_init(),
        Timestamps::Off => log.with(lines.without_time()).try_init(),
    };
}

/// Parses `FAL_LOG`: levels and `target=level` pairs, separated by commas. Invalid parts are ignored with a warning.
/// Targets without a level have the default.
fn filter(wanted: &str) -> Targets {
    let parts = wanted.split(',').map(str::trim).filter(|part| !part.is_empty() && is_filter(part));
    let filter = parts.fold(DEFAULT_FILTER.to_string(), |filter, part| format!("{filter},{part}"));
    filter.parse().unwrap_or_else(|_| Targets::new().with_default(DEFAULT_FILTER))
}

fn is_filter(part: &str) -> bool {
    // `Targets` would take `[span]=debug` for the name of a target.
    let is_filter = !part.contains('[') && part.parse::<Targets>().is_ok();
    if !is_filter {
        let _ = writeln!(
            io::stderr(),
            "warning: FAL_LOG: `{part}` is ignored: expected a level such as `debug`, or a target with a level such as \
             `my_app=debug`"
        );
    }
    is_filter
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn the_level_of_a_target_overrides_the_level_of_all() {
        let says = |wanted: &str, target: &str| {
            let levels = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];
            levels.into_iter().rfind(|level| filter(wanted).would_enable(target, level))
        };
        assert_eq!(says("debug", "my_app::inner"), Some(Level::DEBUG));
        assert_eq!(says("OFF", "my_app"), None);
        assert_eq!(says("my_app=debug", "my_app::inner"), Some(Level::DEBUG));
        assert_eq!(says("my_app=debug", "hyper"), Some(Level::INFO));
        assert_eq!(says("off,my_app=debug", "hyper"), None);
        assert_eq!(says("my_app", "my_app"), Some(Level::TRACE));
        assert_eq!(says("wran", "my_app"), Some(Level::INFO), "a typo of `warn` is the name of a target");
        let list = "warn, my_app=debug,my_app::inner=off";
        let told = ["hyper", "my_app", "my_app::inner"].map(|target| says(list, target));
        assert_eq!(told, [Some(Level::WARN), Some(Level::DEBUG), None]);
    }

    #[test]
    fn an_invalid_part_leaves_the_others_in_force() {
        for wanted in ["", ",", "my_app=loud", "my_app==debug", "[span]=debug", "my_app=loud,,[span]=debug"] {
            assert_eq!(filter(wanted), Targets::new().with_default(LevelFilter::INFO), "{wanted}");
        }
        assert_eq!(filter("my_app=loud,warn"), filter("warn"));
        assert_eq!(filter(" my_app=debug ,hyper=loud"), filter("my_app=debug"));
    }
}
