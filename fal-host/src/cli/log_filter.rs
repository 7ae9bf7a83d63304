//! The filter of the log, from the environment variable `FAL_LOG`. The file of fal-runtime is a link to the one of fal-host.

use std::io::{self, Write};

use tracing_subscriber::filter::{LevelFilter, Targets};

/// The filter of a log whose `FAL_LOG` is not set.
pub(super) const DEFAULT_FILTER: &str = "info";

/// Reads `FAL_LOG`. What it does not name is as `default` says. Invalid parts are ignored with a warning on standard error.
pub(super) fn from_env(default: &str) -> Targets {
    filter(default, &std::env::var_os("FAL_LOG").unwrap_or_default().to_string_lossy())
}

/// What clients make the libraries of the host write without limit. The host itself counts what it refuses (S84b).
const LIBRARIES: &str = "h2=error";

/// Parses `FAL_LOG`: levels and `target=level` pairs, separated by commas. Invalid parts are ignored with a warning.
/// Targets without a level have the default.
fn filter(default: &str, wanted: &str) -> Targets {
    let parts = wanted.split(',').map(str::trim).filter(|part| !part.is_empty() && is_filter(part));
    let filter = parts.fold(format!("{default},{LIBRARIES}"), |filter, part| format!("{filter},{part}"));
    filter.parse().unwrap_or_else(|_| Targets::new().with_default(LevelFilter::INFO))
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
            levels.into_iter().rfind(|level| filter(DEFAULT_FILTER, wanted).would_enable(target, level))
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
    fn clients_of_http_2_do_not_fill_the_log_with_warnings_of_a_library_unless_it_is_asked_for_s84b() {
        let warns = |wanted: &str| filter(DEFAULT_FILTER, wanted).would_enable("h2::proto", &Level::WARN);
        assert!(!warns("") && !warns("debug"));
        assert!(warns("h2=warn"));
    }

    #[test]
    fn an_invalid_part_leaves_the_others_in_force() {
        for wanted in ["", ",", "my_app=loud", "my_app==debug", "[span]=debug", "my_app=loud,,[span]=debug"] {
            assert_eq!(
                filter(DEFAULT_FILTER, wanted),
                Targets::new().with_default(LevelFilter::INFO).with_target("h2", LevelFilter::ERROR),
                "{wanted}"
            );
        }
        assert_eq!(filter(DEFAULT_FILTER, "my_app=loud,warn"), filter(DEFAULT_FILTER, "warn"));
        assert_eq!(
            filter(DEFAULT_FILTER, " my_app=debug ,hyper=loud"),
            filter(DEFAULT_FILTER, "my_app=debug")
        );
    }
}
