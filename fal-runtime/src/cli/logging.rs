use std::io::{self, IsTerminal, Write};

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

/// The level where `FAL_LOG` gives none.
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
    let wants_colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_target(false)
        .with_ansi(wants_colour && io::stderr().is_terminal())
        // It would panic in a runner whose host, and with it standard error, is gone.
        .log_internal_errors(false);
    let wanted = std::env::var_os("FAL_LOG").unwrap_or_default();
    let log = tracing_subscriber::registry().with(filter(&wanted.to_string_lossy()));
    // An error means that the program has set up its own.
    let _ = match times {
        Times::Written => log.with(lines).try_init(),
        Times::LeftToTheHost => log.with(lines.without_time()).try_init(),
    };
}

/// What `FAL_LOG` asks for: levels, and targets with one, separated by commas. What is neither is told and left out, and
/// for what none is given the default holds: a name that is misspelt silences nothing.
fn filter(wanted: &str) -> Targets {
    let parts = wanted.split(',').map(str::trim).filter(|part| !part.is_empty() && is_filter(part));
    let filter = parts.fold(DEFAULT_FILTER.to_string(), |filter, part| format!("{filter},{part}"));
    filter.parse().unwrap_or_else(|_| Targets::new().with_default(DEFAULT_FILTER))
}

fn is_filter(part: &str) -> bool {
    // `[span]=debug` would be read as a target that nothing has.
    let is_filter = !part.contains('[') && part.parse::<Targets>().is_ok();
    if !is_filter {
        let _ = writeln!(
            io::stderr(),
            "warning: FAL_LOG: `{part}` is ignored: write a level, such as `debug` or `warn`, or one for a target: `my_app=debug`"
        );
    }
    is_filter
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn a_level_holds_for_everything_and_one_for_a_target_in_its_place() {
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
        assert_eq!(says("wran", "my_app"), Some(Level::INFO), "a name, of a target that nobody has");
        let list = "warn, my_app=debug,my_app::inner=off";
        let told = ["hyper", "my_app", "my_app::inner"].map(|target| says(list, target));
        assert_eq!(told, [Some(Level::WARN), Some(Level::DEBUG), None]);
    }

    #[test]
    fn what_is_no_filter_takes_nothing_else_with_it() {
        for wanted in ["", ",", "my_app=loud", "my_app==debug", "[span]=debug", "my_app=loud,,[span]=debug"] {
            assert_eq!(filter(wanted), Targets::new().with_default(LevelFilter::INFO), "{wanted}");
        }
        assert_eq!(filter("my_app=loud,warn"), filter("warn"));
        assert_eq!(filter(" my_app=debug ,hyper=loud"), filter("my_app=debug"));
    }
}
