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
fn help_speaks_of_a_host_where_there_is_one() {
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
    use crate::cli::mistakes::{Wrong, read};

    fn wrong(arguments: &[&str]) -> clap::Error {
        let arguments: Vec<_> = ["app"].iter().chain(arguments).map(OsString::from).collect();
        match read(&Arguments::command(), &arguments) {
            Err(Wrong::Other(error)) => error,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn one_wrong_argument_is_one_mistake() {
        for arguments in [&["--bogus"][..], &["--runners", "2"], &["--bogus", "--help"]] {
            let error = wrong(arguments);
            assert_eq!(error.kind(), ErrorKind::UnknownArgument, "{error}");
            assert!(!error.to_string().contains("Serves the app"), "{error}");
        }
    }

    #[test]
    fn a_subcommand_is_wanted_and_named() {
        let error = wrong(&[]);
        assert_eq!(error.kind(), ErrorKind::MissingSubcommand);
        assert!(error.to_string().contains("`serve` serves the app with one runner"), "{error}");
    }
}
