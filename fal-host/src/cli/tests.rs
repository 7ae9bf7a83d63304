//! The options of `fal-host`: defaults, parsing and their effect.

use std::num::{NonZeroU32, NonZeroUsize};
use std::process::Command;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser};
use fal_health::HealthCheck;

use super::app_spec_options::AppSpecOptions;
use super::failure::Failure;
use super::host_options::HostOptions;
use super::launch_options::LaunchOptions;
use super::program::Arguments;
use super::values::{AdminAddress, OnStallOption, ReplaceOption};
use crate::{AppSpec, Host};

fn parse(arguments: &[&str]) -> Result<Arguments, clap::Error> {
    Arguments::try_parse_from([&["fal-host"], arguments, &["--", "/bin/server", "--queue"]].concat())
}

fn host_options(arguments: &[&str]) -> HostOptions {
    parse(arguments).unwrap().host
}

fn app(arguments: &[&str]) -> AppSpec {
    parse(arguments).unwrap().spec()
}

#[test]
fn the_command_line_is_consistent() {
    Arguments::command().debug_assert();
}

#[test]
fn by_default_a_host_listens_on_loopback_with_one_runner() {
    let host = host_options(&[]);
    assert_eq!(host.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(host.admin.to_string(), "127.0.0.1:9090");
    assert_eq!((host.runners, host.queue), (1, 1024));
    let times = [host.check_interval, host.queue_timeout, host.drain_timeout];
    assert_eq!(times, [15, 60, 30].map(Duration::from_secs));
    assert_eq!(host_options(&["--admin", "off"]).admin, AdminAddress::Off);
    assert_eq!((host.max_replacing, host.strict), (None, false));
    assert_eq!((host.replace, host.on_stall), (ReplaceOption::StartFirst, OnStallOption::Fail));
}

#[test]
fn every_option_can_be_given_in_the_environment() {
    let options = HostOptions::augment_args(clap::Command::new("fal-host"));
    let options = LaunchOptions::augment_args(AppSpecOptions::augment_args(options));
    for option in options.get_arguments() {
        let flag = option.get_long().unwrap();
        let variable = format!("FAL_{}", flag.replace('-', "_").to_uppercase());
        assert_eq!(option.get_env().unwrap(), variable.as_str());
        assert!(option.get_help().is_some());
    }
}

#[test]
fn an_invalid_value_is_an_error_of_its_option() {
    let wrong = [
        ["--runners", "0"],
        ["--check-interval", "15"],
        ["--check-interval", "0s"],
        ["--listen", "localhost"],
        ["--admin", "on"],
        ["--max-replacing", "0"],
        ["--health", "health"],
        ["--timeout", "0s"],
        ["--start-period", "1500ms"],
        ["--failure-threshold", "0"],
        ["--max-multiplexing", "0"],
        ["--request-timeout", "0s"],
    ];
    for [option, value] in wrong {
        let error = parse(&[option, value]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ValueValidation, "{option} {value}");
    }
}

#[test]
fn a_program_without_options_has_no_check_and_the_defaults_of_an_app() {
    let spec = app(&[]);
    let default = AppSpec::new("server");
    assert_eq!(spec.name, default.name, "its name is the file name");
    assert_eq!(spec.health_check, None);
    assert_eq!(spec.startup_timeout, default.startup_timeout);
    assert_eq!(spec.termination_grace_period, default.termination_grace_period);
    assert_eq!(spec.max_multiplexing, default.max_multiplexing);
    assert_eq!(spec.request_timeout, default.request_timeout);
    let config = app(&["--health", "/health"]).health_check.unwrap().config;
    let default = HealthCheck::new();
    assert_eq!(
        (config.start_period(), config.timeout(), config.threshold(), config.is_periodic()),
        (default.start_period(), default.timeout(), default.threshold(), default.is_periodic()),
        "S3"
    );
}

#[test]
fn the_options_fill_the_spec_of_the_server() {
    let spec = app(&[
        "--name=web",
        "--health=GET:/alive",
        "--start-period=1m",
        "--timeout=2s",
        "--failure-threshold=5",
        "--manual-only",
        "--startup-timeout=90s",
        "--grace-period=500ms",
        "--max-multiplexing=8",
        "--request-timeout=30s",
    ]);
    let check = spec.health_check.unwrap();
    assert_eq!((spec.name.as_str(), &*check.method, &*check.path), ("web", "GET", "/alive"));
    let expected = HealthCheck::new()
        .start_period_seconds(60)
        .timeout_seconds(2)
        .failure_threshold(5)
        .call_regularly(false);
    assert_eq!(check.config, expected);
    assert_eq!(spec.startup_timeout, Some(Duration::from_secs(90)));
    assert_eq!(spec.termination_grace_period, Duration::from_millis(500));
    assert_eq!(spec.max_multiplexing, NonZeroU32::new(8).unwrap());
    assert_eq!(spec.request_timeout, Some(Duration::from_secs(30)));
}

#[test]
fn arguments_after_the_dashes_belong_to_the_command() {
    let runner = parse(&["--queue", "3"]).unwrap().runner();
    assert_eq!(runner.get_program(), "/bin/server");
    assert_eq!(runner.get_args().collect::<Vec<_>>(), ["--queue"]);
    let error = Arguments::try_parse_from(["fal-host", "--queue", "3"]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MissingRequiredArgument);
}

#[test]
fn requests_and_the_admin_interface_need_different_addresses() {
    let host = || Host::builder(AppSpec::new("app"), Command::new("none"));
    let said = host_options(&["--listen", "127.0.0.1:9090"]).apply(host()).unwrap_err().to_string();
    assert!(said.contains("`--listen` and `--admin` are both 127.0.0.1:9090"), "{said}");
    let said = host_options(&["--probes", "127.0.0.1:8080"]).apply(host()).unwrap_err().to_string();
    assert!(said.contains("`--listen` and `--probes` are both 127.0.0.1:8080"), "{said}");
    for arguments in
        [["--listen=127.0.0.1:9090", "--admin=off"], ["--listen=127.0.0.1:0", "--admin=127.0.0.1:0"]]
    {
        assert!(host_options(&arguments).apply(host()).is_ok(), "{arguments:?}");
    }
}

#[test]
fn by_default_a_third_of_the_runners_is_replaced_at_a_time_s40a() {
    let at_a_time = |arguments: &[&str]| host_options(arguments).max_replacing().map(NonZeroUsize::get);
    assert_eq!(at_a_time(&[]), Some(1));
    assert_eq!(at_a_time(&["--runners", "7"]), Some(2));
    assert_eq!(at_a_time(&["--runners", "7", "--max-replacing", "3"]), Some(3));
    assert_eq!(at_a_time(&["--runners", "7", "--strict"]), None);
}

#[test]
fn strict_and_max_replacing_contradict_each_other_s40a() {
    let host = || Host::builder(AppSpec::new("app"), Command::new("none"));
    let options = host_options(&["--strict", "--max-replacing", "2"]);
    assert!(matches!(options.apply(host()), Err(Failure::ConflictingLimits)));
    for arguments in [&["--strict"][..], &["--max-replacing", "2"], &[]] {
        assert!(host_options(arguments).apply(host()).is_ok());
    }
}
