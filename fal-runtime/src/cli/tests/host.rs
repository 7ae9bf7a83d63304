//! The options of `run`.

use clap::{Args, Parser};

use crate::cli::options::{Arguments, Command, RunOptions};

#[test]
fn run_is_the_default_subcommand() {
    for arguments in [&["app", "--check-interval", "1s"][..], &["app", "run", "--check-interval", "1s"]] {
        let Arguments { command, run } = Arguments::try_parse_from(arguments).unwrap();
        let run = match command {
            None => run,
            Some(Command::Run(run)) => run,
            Some(other) => panic!("{other:?} is not run"),
        };
        assert!(format!("{run:?}").contains("check_interval: 1s"), "{arguments:?}: {run:?}");
    }
}

#[test]
fn every_option_of_run_has_a_variable_and_a_long_help() {
    let run = RunOptions::augment_args(clap::Command::new("run"));
    for option in run.get_arguments() {
        let flag = option.get_long().unwrap();
        let variable = format!("FAL_{}", flag.replace('-', "_").to_uppercase());
        assert_eq!(option.get_env().unwrap(), variable.as_str());
        assert!(option.get_long_help().is_some(), "--{flag} has no long help");
    }
}
