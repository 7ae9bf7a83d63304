//! Suggestions for errors that clap reports without one.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};

/// Settings that an app declares in `health_check = HealthCheck(…)`.
const HEALTH_CHECK_SETTINGS: [&str; 6] =
    ["health", "health-check", "timeout", "start-period", "failure-threshold", "call-regularly"];
/// Settings that an app declares in `#[app(…)]`.
const APP_SETTINGS: [&str; 7] = [
    "startup-timeout",
    "grace-period",
    "termination-grace-period",
    "max-multiplexing",
    "request-timeout",
    "body-limit",
    "cors",
];

/// Options for the level of the log in other programs.
const LOG_OPTIONS: [&str; 5] = ["log", "log-level", "verbose", "debug", "v"];

/// Options for the listen address in other programs.
const ADDRESS_OPTIONS: [&str; 8] = ["port", "p", "host", "bind", "b", "addr", "address", "ip"];

/// Adds a suggestion to an error that has none.
pub(super) fn add(error: &mut clap::Error, command: &Command, arguments: &[OsString]) {
    let has_one = [ContextKind::Suggested, ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand]
        .into_iter()
        .any(|kind| error.get(kind).is_some());
    if let Some(suggestion) = suggest(error, command, arguments).filter(|_| !has_one) {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![suggestion.into()]));
    }
}

fn suggest(error: &clap::Error, command: &Command, arguments: &[OsString]) -> Option<String> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    match error.kind() {
        ErrorKind::UnknownArgument => suggest_for_option(text(ContextKind::InvalidArg)?, command, arguments),
        ErrorKind::ArgumentConflict => {
            let subcommand = text(ContextKind::InvalidSubcommand)?;
            let options = match error.get(ContextKind::PriorArg)? {
                ContextValue::String(option) => option.clone(),
                ContextValue::Strings(options) => options.join(" "),
                _ => return None,
            };
            let mut known = command.find_subcommand(subcommand)?.get_arguments().filter_map(Arg::get_long);
            let takes_them = known.any(|known| options.contains(&format!("--{known}")));
            Some(if takes_them {
                format!("write options of a subcommand after it: `{subcommand} {options}`")
            } else {
                format!("`{subcommand}` has no such option: remove it")
            })
        }
        #[cfg(not(feature = "host"))]
        ErrorKind::MissingSubcommand => Some(NO_HOST.to_owned()),
        #[cfg(not(feature = "host"))]
        ErrorKind::InvalidSubcommand if text(ContextKind::InvalidSubcommand)? == "run" => {
            Some(NO_HOST.to_owned())
        }
        _ => None,
    }
}

#[cfg(not(feature = "host"))]
const NO_HOST: &str = "use `serve`, which serves the app with one runner; `run` needs a host, which is in programs that are built \
                       with fal-runtime's feature `host`";

/// The subcommands that have this option.
fn suggest_owner(name: &str, command: &Command) -> Option<String> {
    let has_it = |command: &&Command| command.get_arguments().any(|arg| arg.get_long() == Some(name));
    let owners: Vec<_> =
        command.get_subcommands().filter(has_it).map(|command| format!("`{}`", command.get_name())).collect();
    let (last, others) = owners.split_last()?;
    let owners = if others.is_empty() { last.clone() } else { format!("{} and {last}", others.join(", ")) };
    Some(format!("it is an option of {owners}: write it after the subcommand"))
}

/// A suggestion for an unknown option. What a name means in other programs comes first.
fn suggest_for_option(option: &str, command: &Command, arguments: &[OsString]) -> Option<String> {
    let name = option.trim_start_matches('-');
    if ADDRESS_OPTIONS.contains(&name) {
        return Some(format!("write `{}`", listen(option, arguments)));
    }
    let declared = if HEALTH_CHECK_SETTINGS.contains(&name) {
        "`#[endpoint(\"/health\", health_check = HealthCheck(timeout_seconds = 5))]`"
    } else if APP_SETTINGS.contains(&name) {
        "`#[app(max_multiplexing = 8)]`"
    } else if LOG_OPTIONS.contains(&name) {
        return Some(
            "set the level of the log with the environment variable FAL_LOG, such as `FAL_LOG=debug`"
                .to_owned(),
        );
    } else {
        return suggest_owner(name, command);
    };
    Some(format!("this is a setting of the app: declare it in the code, such as {declared}"))
}

/// The `--listen` option with the port that an unknown option such as `--port` was given.
fn listen(option: &str, arguments: &[OsString]) -> String {
    let arguments: Vec<_> = arguments.iter().map(|argument| argument.to_string_lossy()).collect();
    let is_option = |argument: &str| argument.split('=').next() == Some(option);
    let at = arguments.iter().position(|argument| is_option(argument));
    let value = at.and_then(|at| match arguments.get(at)?.split_once('=') {
        Some((_, value)) => Some(value),
        None => arguments.get(at + 1).map(AsRef::as_ref),
    });
    let port = value.and_then(|value| value.rsplit(':').next()?.parse::<u16>().ok());
    let serves = arguments.iter().any(|argument| argument == "serve");
    let how = match (serves, cfg!(feature = "host")) {
        (true, _) => "--listen tcp:",
        (false, true) => "--listen ",
        (false, false) => "serve --listen tcp:",
    };
    format!("{how}127.0.0.1:{}", port.unwrap_or(8080))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::errors::parse;
    use crate::cli::options::Arguments;

    fn error(arguments: &str) -> String {
        let arguments: Vec<_> = format!("app {arguments}").split(' ').map(OsString::from).collect();
        parse(&Arguments::command(), &arguments).unwrap_err().to_string()
    }

    fn assert_suggests(arguments: &str, suggestion: &str) {
        let error = error(arguments);
        assert!(error.contains(&format!("tip: {suggestion}")), "{arguments}: {error}");
    }

    #[test]
    fn an_option_for_a_port_or_a_host_suggests_listen() {
        for arguments in ["serve --port 80", "serve --port=80", "serve --bind 0.0.0.0:80", "serve -p 80"] {
            assert_suggests(arguments, "write `--listen tcp:127.0.0.1:80`");
        }
        assert_suggests("serve --port", "write `--listen tcp:127.0.0.1:8080`");
    }

    #[test]
    fn a_setting_of_the_app_suggests_to_declare_it() {
        assert_suggests(
            "serve --timeout 5",
            "this is a setting of the app: declare it in the code, such as `#[endpoint(\"/health\", health_check",
        );
        assert_suggests(
            "serve --startup-timeout 5s",
            "this is a setting of the app: declare it in the code, such as `#[app(",
        );
        assert_suggests(
            "serve --log-level debug",
            "set the level of the log with the environment variable FAL_LOG, such as `FAL_LOG=debug`",
        );
    }

    #[test]
    fn an_option_of_another_subcommand_names_that_subcommand() {
        // This one is clap's.
        assert_suggests("--json config", "'config --json' exists");
        assert_suggests("list --json", "it is an option of `config`");
    }

    #[test]
    fn an_unknown_option_without_a_match_has_no_suggestion() {
        assert!(!error("serve --frobnicate").contains("tip:"));
    }

    #[cfg(feature = "host")]
    #[test]
    fn options_before_a_subcommand_suggest_to_write_them_after_it() {
        assert_suggests(
            "--check-interval 2s config",
            "write options of a subcommand after it: `config --check-interval <TIME>`",
        );
        assert_suggests("--app my-app list", "`list` has no such option: remove it");
        assert_suggests(
            "serve --runners 2",
            "it is an option of `run`, `config`, `systemd` and `kubernetes`: write it after the subcommand",
        );
        assert_suggests("--port 80", "write `--listen 127.0.0.1:80`");
        assert_suggests("run --port 80", "write `--listen 127.0.0.1:80`");
        assert_suggests("run --timeout 5", "this is a setting of the app");
    }

    #[cfg(not(feature = "host"))]
    #[test]
    fn without_a_host_the_suggestion_names_the_feature() {
        assert_suggests("--port 80", "write `serve --listen tcp:127.0.0.1:80`");
        assert_suggests("run", "use `serve`, which serves the app with one runner; `run` needs a host");
        assert_suggests("--app my-app serve", "'serve --app' exists");
    }
}
