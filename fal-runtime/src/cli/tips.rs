//! What to write instead, where clap says only that it cannot be.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};

/// What is declared in the app's code.
const OF_THE_HEALTH_CHECK: [&str; 6] =
    ["health", "health-check", "timeout", "start-period", "failure-threshold", "call-regularly"];
const OF_THE_APP: [&str; 7] = [
    "startup-timeout",
    "grace-period",
    "termination-grace-period",
    "max-multiplexing",
    "request-timeout",
    "body-limit",
    "cors",
];

/// What other programs call the level of their log.
const OF_THE_LOG: [&str; 6] = ["log", "log-level", "verbose", "debug", "quiet", "v"];

/// What other programs call the address that they listen on.
const OF_THE_ADDRESS: [&str; 8] = ["port", "p", "host", "bind", "b", "addr", "address", "ip"];

/// Adds a tip to what clap says, where it has none and there is one.
pub(super) fn add(error: &mut clap::Error, command: &Command, arguments: &[OsString]) {
    let has_one = [ContextKind::Suggested, ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand]
        .into_iter()
        .any(|kind| error.get(kind).is_some());
    if let Some(tip) = tip(error, command, arguments).filter(|_| !has_one) {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
}

fn tip(error: &clap::Error, command: &Command, arguments: &[OsString]) -> Option<String> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    match error.kind() {
        ErrorKind::UnknownArgument => of_an_option(text(ContextKind::InvalidArg)?, command, arguments),
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
                format!("what is for a subcommand goes behind it: `{subcommand} {options}`")
            } else {
                format!("`{subcommand}` takes no such option: leave it away")
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
const NO_HOST: &str = "`serve` serves the app with one runner; a host, and `run` with it, is in programs that are built with \
                       fal-runtime's feature `host`";

/// Of an option that the given subcommand, or none at all, has.
fn of_an_option(option: &str, command: &Command, arguments: &[OsString]) -> Option<String> {
    let name = option.trim_start_matches('-');
    let has_it = |command: &&Command| command.get_arguments().any(|arg| arg.get_long() == Some(name));
    let owners: Vec<_> =
        command.get_subcommands().filter(has_it).map(|command| format!("`{}`", command.get_name())).collect();
    if let Some((last, others)) = owners.split_last() {
        let owners =
            if others.is_empty() { last.clone() } else { format!("{} and {last}", others.join(", ")) };
        return Some(format!("it is an option of {owners}, and goes behind that"));
    }
    if OF_THE_ADDRESS.contains(&name) {
        return Some(format!("write `{}`", listen(option, arguments)));
    }
    let declared = if OF_THE_HEALTH_CHECK.contains(&name) {
        "`#[endpoint(\"/health\", health_check = HealthCheck(timeout_seconds = 5))]`"
    } else if OF_THE_APP.contains(&name) {
        "`#[app(max_multiplexing = 8)]`"
    } else if OF_THE_LOG.contains(&name) {
        return Some("the variable FAL_LOG filters the log: `FAL_LOG=debug`".to_owned());
    } else {
        return None;
    };
    Some(format!("the app declares that, in its code: {declared}"))
}

/// How to listen where an option that is none says a port, or an address, or nothing that could be either.
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
    use crate::cli::mistakes::{Wrong, read};
    use crate::cli::options::Arguments;

    /// All that is said of these arguments.
    fn said(arguments: &str) -> String {
        let arguments: Vec<_> = format!("app {arguments}").split(' ').map(OsString::from).collect();
        match read(&Arguments::command(), &arguments) {
            Err(Wrong::Other(error)) => error.to_string(),
            Err(Wrong::Settings(mistakes)) => mistakes.join("\n"),
            Ok(given) => panic!("{given:?}"),
        }
    }

    fn is_told(arguments: &str, tip: &str) {
        let said = said(arguments);
        assert!(said.contains(&format!("tip: {tip}")), "{arguments}: {said}");
    }

    #[test]
    fn a_port_or_a_host_of_other_programs_is_answered_with_listen() {
        for arguments in ["serve --port 80", "serve --port=80", "serve --bind 0.0.0.0:80", "serve -p 80"] {
            is_told(arguments, "write `--listen tcp:127.0.0.1:80`");
        }
        is_told("serve --port", "write `--listen tcp:127.0.0.1:8080`");
    }

    #[test]
    fn what_the_app_declares_is_no_option_and_said_to_be() {
        is_told(
            "serve --timeout 5",
            "the app declares that, in its code: `#[endpoint(\"/health\", health_check",
        );
        is_told("serve --grace-period 5s", "the app declares that, in its code: `#[app(");
        is_told("serve --log-level debug", "the variable FAL_LOG filters the log: `FAL_LOG=debug`");
    }

    #[test]
    fn an_option_of_another_subcommand_is_said_to_be_its() {
        // This one is clap's.
        is_told("--json config", "'config --json' exists");
        is_told("serve --check openapi.json", "it is an option of `openapi`, and goes behind that");
    }

    #[test]
    fn what_nobody_knows_has_no_tip() {
        assert!(!said("serve --frobnicate").contains("tip:"));
    }

    #[cfg(feature = "host")]
    #[test]
    fn options_before_a_subcommand_are_said_to_go_behind_it() {
        is_told(
            "--check-interval 2s config",
            "what is for a subcommand goes behind it: `config --check-interval <TIME>`",
        );
        is_told("--app my-app list", "`list` takes no such option: leave it away");
        is_told("serve --runners 2", "it is an option of `run` and `config`, and goes behind that");
        is_told("--port 80", "write `--listen 127.0.0.1:80`");
        is_told("run --port 80", "write `--listen 127.0.0.1:80`");
        is_told("run --timeout 5", "the app declares that");
    }

    #[cfg(not(feature = "host"))]
    #[test]
    fn where_there_is_no_host_it_is_said_how_to_have_one() {
        is_told("--port 80", "write `serve --listen tcp:127.0.0.1:80`");
        is_told(
            "run",
            "`serve` serves the app with one runner; a host, and `run` with it, is in programs that are built",
        );
        is_told("--app my-app serve", "'serve --app' exists");
    }
}
