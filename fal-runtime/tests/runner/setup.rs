//! From the start of a runner's process until it is ready.

use std::time::Duration;

use fal_health::protocol::Assignment;
use serde_json::{Value, json};

use crate::host::{Runner, this_program};

const GRACE: Duration = Duration::from_secs(60);

#[test]
fn a_runner_listens_when_it_says_that_it_is_ready() {
    let mut runner = Runner::start("patient", "", GRACE);
    assert_eq!(runner.report(), json!({ "ready": { "protocol": 1 } }));
    assert_eq!(runner.send("/quick").answer(), "Running");
    runner.terminate();
    assert_eq!(runner.ended().code, Some(0));
}

#[test]
fn a_setup_says_how_far_it_is_before_the_runner_is_ready() {
    let mut runner = Runner::start("patient", "setup progress", GRACE);
    let progress = json!({ "progress": { "fraction": 0.4, "message": "loading weights" } });
    assert_eq!(runner.report(), progress);
    assert_eq!(runner.report(), json!({ "ready": { "protocol": 1 } }));
    runner.terminate();
    assert_eq!(runner.ended().code, Some(0));
}

#[test]
fn a_setup_error_is_told_with_its_causes_and_nothing_ever_listens() {
    let mut runner = Runner::start("patient", "setup error", GRACE);
    let error = "the model cannot be loaded: the disk is unmounted";
    assert_eq!(runner.report(), json!({ "failed": { "error": error } }));
    let socket = runner.socket();
    let ended = runner.ended();
    assert_eq!(ended.code, Some(3));
    assert!(ended.errors.contains(&format!("error: setup of patient failed: {error}")), "{}", ended.errors);
    assert!(!socket.exists());
    assert_eq!(ended.marks, ["setup", "setup dropped"]);
}

#[test]
fn a_panic_in_setup_is_a_setup_error() {
    let mut runner = Runner::start("patient", "setup panic", GRACE);
    let report = runner.report()["failed"]["error"].to_string();
    assert!(report.contains("the model is no model"), "{report}");
    let ended = runner.ended();
    assert_eq!(ended.code, Some(3));
    assert!(ended.errors.contains("error: setup of patient failed: "), "{}", ended.errors);
}

#[test]
fn a_sigterm_during_an_async_setup_drops_it_s42e() {
    let mut runner = Runner::start("patient", "setup pending", GRACE);
    runner.wait_for_mark("setup");
    runner.terminate();
    let ended = runner.ended();
    assert_eq!(ended.code, Some(143));
    assert_eq!(ended.marks, ["setup dropped"], "neither handle_exit nor teardown");
}

#[test]
fn a_sigterm_during_a_blocking_setup_abandons_it_s42e() {
    let mut runner = Runner::start("stubborn", "", GRACE);
    runner.wait_for_mark("setup");
    runner.terminate();
    let ended = runner.ended();
    assert_eq!(ended.code, Some(143));
    assert_eq!(ended.marks, [""; 0], "neither handle_exit nor teardown");
}

#[test]
fn an_app_that_the_program_does_not_have_is_told_to_the_host() {
    let mut runner = Runner::start("unknown", "", GRACE);
    let report = runner.report()["failed"]["error"].to_string();
    assert!(
        report.contains("no app `unknown`; its apps are: blocking, crowd, patient, stubborn"),
        "{report}"
    );
    assert_eq!(runner.ended().code, Some(1));
}

#[test]
fn an_address_that_cannot_be_listened_on_is_told_to_the_host() {
    let directory = tempfile::TempDir::new().unwrap();
    let (nowhere, somewhere) =
        ("unix:/nowhere/socket", format!("unix:{}", directory.path().join("socket").display()));
    for (requests, checks) in [(nowhere, &*somewhere), (&*somewhere, nowhere)] {
        let mut assignment = Assignment::new(std::process::id(), requests.parse().unwrap());
        assignment.health_listen = Some(checks.parse().unwrap());
        assignment.app = Some("patient".to_owned());
        let mut command = this_program().unwrap();
        command.envs(assignment.variables());
        let mut runner = Runner::start_by(command, tempfile::TempDir::new().unwrap());
        let report = runner.report()["failed"]["error"].to_string();
        assert!(report.contains("cannot listen on unix:/nowhere/socket: No such file"), "{report}");
        let ended = runner.ended();
        assert_eq!(ended.code, Some(1));
        assert_eq!(ended.marks, ["setup", "setup dropped", "teardown"], "what setup has made is taken down");
    }
}

/// The exit code, the report and the output of a runner whose environment is changed like this.
fn refusal(change: impl FnOnce(&mut std::process::Command)) -> (Option<i32>, String, String) {
    let mut command = this_program().unwrap();
    command.envs(Assignment::new(std::process::id(), "unix:/nowhere/socket".parse().unwrap()).variables());
    change(&mut command);
    let mut runner = Runner::start_by(command, tempfile::TempDir::new().unwrap());
    let report = runner.report();
    let report = report.pointer("/failed/error").and_then(Value::as_str).unwrap().to_owned();
    let ended = runner.ended();
    assert_eq!(ended.marks, [""; 0], "setup is not called");
    (ended.code, report, ended.errors)
}

#[test]
fn a_host_of_another_protocol_is_refused_on_both_sides() {
    let (code, report, printed) = refusal(|command| {
        command.env("FAL_RUNNER_PROTOCOL", "999");
    });
    let error =
        "this runner speaks protocol 1, its host 999: build both with the same version of fal-runtime";
    assert_eq!((code, report.as_str()), (Some(1), error));
    assert!(printed.contains(&format!("error: {error}\n")), "{printed}");
}

#[test]
fn an_assignment_that_cannot_be_read_is_told_to_the_host() {
    let (code, report, printed) = refusal(|command| {
        command.env_remove("FAL_RUNNER_LISTEN");
    });
    let error = "FAL_RUNNER_LISTEN is not set: a host sets it for each of its runners";
    assert_eq!((code, report.as_str()), (Some(1), error));
    assert!(printed.contains(&format!("error: {error}\n")), "{printed}");
}

#[test]
fn a_runner_that_gets_no_thread_tells_the_host_why_s36c() {
    let directory = tempfile::TempDir::new().unwrap();
    let listen = format!("unix:{}", directory.path().join("socket").display());
    let mut command = this_program().unwrap();
    let assignment = Assignment::new(std::process::id(), listen.parse().unwrap());
    // No machine has room for a stack of this many bytes.
    command.envs(assignment.variables()).env("RUST_MIN_STACK", (1_u64 << 50).to_string());
    let mut runner = Runner::start_by(command, directory);
    let report = runner.report()["failed"]["error"].to_string();
    assert!(report.contains("cannot start a thread: ") && report.contains("ulimit -u"), "{report}");
    assert_eq!(runner.ended().code, Some(1));
}
