mod serve;

use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser};

use crate::cli::options::{Arguments, Command, RunOptions};
use crate::cli::values::{Admin, OnStall, Replace};

fn run_options(arguments: &[&str]) -> RunOptions {
    let Arguments { command, run } = Arguments::try_parse_from([&["app"], arguments].concat()).unwrap();
    match command {
        None => run,
        Some(Command::Run(run)) => run,
        Some(other) => panic!("{other:?} is not run"),
    }
}

#[test]
fn the_command_line_is_consistent() {
    Arguments::command().debug_assert();
}

#[test]
fn run_is_meant_where_no_subcommand_is_given() {
    for arguments in [&["--check-interval", "1s"][..], &["run", "--check-interval", "1s"]] {
        assert_eq!(run_options(arguments).check_interval, Duration::from_secs(1), "{arguments:?}");
    }
}

#[test]
fn run_serves_on_this_machine_with_one_runner_unless_told_otherwise() {
    let run = run_options(&[]);
    assert_eq!(run.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(run.admin.to_string(), "127.0.0.1:9090");
    assert_eq!((run.runners, run.queue), (1, 1024));
    let times = [run.check_interval, run.queue_timeout, run.drain_timeout];
    assert_eq!(times, [15, 60, 30].map(Duration::from_secs));
    assert_eq!(run_options(&["--admin", "off"]).admin, Admin::Off);
    assert_eq!((run.max_replacing, run.strict), (None, false));
    assert_eq!((run.replace, run.on_stall), (Replace::Beside, OnStall::Note));
}

#[test]
fn every_option_of_run_can_be_given_in_the_environment_and_is_explained() {
    let run = RunOptions::augment_args(clap::Command::new("run"));
    for option in run.get_arguments() {
        let flag = option.get_long().unwrap();
        let variable = format!("FAL_{}", flag.replace('-', "_").to_uppercase());
        assert_eq!(option.get_env().unwrap(), variable.as_str());
        assert!(option.get_long_help().is_some(), "--{flag} is explained in a line only");
    }
}

#[test]
fn a_value_that_cannot_be_is_refused_where_it_is_read() {
    let wrong = [
        ["--runners", "0"],
        ["--check-interval", "15"],
        ["--check-interval", "0s"],
        ["--listen", "localhost"],
        ["--admin", "on"],
        ["--max-replacing", "0"],
    ];
    for arguments in wrong {
        let error = Arguments::try_parse_from(["app", arguments[0], arguments[1]]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ValueValidation, "{arguments:?}");
    }
}
