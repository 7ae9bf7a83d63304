//! Errors of the command line: clap's, with a suggestion and the environment variable that a value comes from.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgMatches, Command};

use super::secrets::without_users;
use super::suggestions;

/// The exit code for an invalid command line or environment, the same as clap's.
const EXIT_USAGE: u8 = 2;

/// Parses the command line and the environment.
pub(super) fn parse(command: &Command, arguments: &[OsString]) -> Result<ArgMatches, clap::Error> {
    command.clone().try_get_matches_from(arguments).map_err(|mut error| {
        suggestions::add(&mut error, command, arguments);
        if let Some(variable) = variable(&error, command, arguments) {
            let origin = format!("the value comes from the environment variable {variable}");
            error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![origin.into()]));
        }
        error
    })
}

/// Prints an error and returns the exit code. Users and passwords of URLs are masked.
pub(super) fn report(error: &clap::Error) -> ExitCode {
    let text = error.to_string();
    let masked = without_users(&text);
    if masked == text {
        // In colours, if standard error is a terminal.
        let _ = error.print();
    } else {
        let _ = io::stderr().write_all(masked.as_bytes());
    }
    EXIT_USAGE.into()
}

/// The variable that an invalid value comes from, unless it comes from the command line.
fn variable(error: &clap::Error, command: &Command, arguments: &[OsString]) -> Option<String> {
    let (ErrorKind::ValueValidation | ErrorKind::InvalidValue, Some(ContextValue::String(option))) =
        (error.kind(), error.get(ContextKind::InvalidArg))
    else {
        return None;
    };
    // clap writes `--queue <COUNT>`.
    let flag = option.split(' ').next()?;
    let is_option = |arg: &&Arg| arg.get_long().is_some_and(|long| flag.strip_prefix("--") == Some(long));
    let is_flag = |argument: &OsString| {
        let argument = argument.to_string_lossy();
        argument.strip_prefix(flag).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
    };
    if arguments.iter().any(is_flag) {
        return None;
    }
    let commands = std::iter::once(command).chain(command.get_subcommands());
    let arg = commands.flat_map(Command::get_arguments).find(is_option)?;
    arg.get_env().map(|name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command() -> Command {
        // The variable is set wherever tests run, and is no number.
        let runners = Arg::new("runners").long("runners").value_name("COUNT").env("CARGO_MANIFEST_DIR");
        let runners = runners.value_parser(clap::value_parser!(u8));
        Command::new("app").arg(runners.clone()).subcommand(Command::new("run").arg(runners))
    }

    fn error(arguments: &[&str]) -> String {
        let arguments: Vec<_> = arguments.iter().map(OsString::from).collect();
        parse(&command(), &arguments).unwrap_err().to_string()
    }

    #[test]
    fn an_invalid_value_from_the_environment_names_its_variable() {
        for arguments in [&["app"][..], &["app", "run"]] {
            let error = error(arguments);
            assert!(error.contains("tip: the value comes from the environment variable CARGO_"), "{error}");
        }
    }

    #[test]
    fn an_invalid_value_from_the_command_line_names_no_variable() {
        for arguments in [["app", "--runners=300"], ["app", "--runners=many"]] {
            let error = error(&arguments);
            assert!(error.contains("for '--runners <COUNT>'") && !error.contains("tip:"), "{error}");
        }
        let given = ["app".into(), "--runners=2".into()];
        assert!(parse(&command(), &given).is_ok());
    }
}
