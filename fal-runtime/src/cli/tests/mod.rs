//! The command line: help, options and subcommands.

#[cfg(feature = "host")]
mod host;
#[cfg(feature = "host")]
mod serve;

use clap::CommandFactory;

use crate::cli::options::Arguments;

#[test]
fn the_command_line_is_consistent() {
    Arguments::command().debug_assert();
}

/// The help of the command line and of every subcommand.
fn help() -> String {
    let mut command = Arguments::command();
    command.build();
    let mut help = command.render_long_help().to_string();
    for subcommand in command.get_subcommands_mut() {
        help += &subcommand.render_long_help().to_string();
    }
    help
}

#[test]
fn help_mentions_the_host_if_there_is_one() {
    let help = help();
    for said in ["replaces runners that fail", "--runners 4", "option of `run`", "options of `run`"] {
        assert_eq!(help.contains(said), cfg!(feature = "host"), "{said}: {help}");
    }
    assert!(help.contains("serve --listen unix:/run/app.sock"), "{help}");
}

#[cfg(not(feature = "host"))]
mod without_a_host {
    use std::ffi::OsString;

    use clap::error::ErrorKind;

    use super::*;
    use crate::cli::errors::parse;

    fn error(arguments: &[&str]) -> clap::Error {
        let arguments: Vec<_> = ["app"].iter().chain(arguments).map(OsString::from).collect();
        parse(&Arguments::command(), &arguments).unwrap_err()
    }

    #[test]
    fn an_unknown_option_is_an_error() {
        for arguments in [&["--bogus"][..], &["--runners", "2"], &["--bogus", "--help"]] {
            let error = error(arguments);
            assert_eq!(error.kind(), ErrorKind::UnknownArgument, "{error}");
            assert!(!error.to_string().contains("Serves the app"), "{error}");
        }
    }

    #[test]
    fn a_missing_subcommand_suggests_serve() {
        let error = error(&[]);
        assert_eq!(error.kind(), ErrorKind::MissingSubcommand);
        assert!(error.to_string().contains("use `serve`, which serves the app with one runner"), "{error}");
    }
}
