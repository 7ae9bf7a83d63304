//! Starts that fail, and the backoff: S35, S37.

use std::process::Command;
use std::time::Duration;

use fal_host::{Exit, Reason, RunnerState};
use fal_tests::{Act, Answer};
use rustix::process::Signal;

use crate::harness::*;

/// After the second failed start in a row, the third start waits half a second, ±20 %.
async fn is_held_after_two(host: &TestHost) {
    host.started(2).await;
    let (wait, failed) = host.held(3).await;
    assert_eq!(failed, 2);
    assert!((Duration::from_millis(400)..=Duration::from_millis(600)).contains(&wait), "{wait:?}");
}

#[tokio::test]
async fn a_setup_that_fails_is_tried_again_at_once_and_then_at_growing_distances_s35d_s36c_s37a() {
    let director = Director::new();
    director.answer(Kind::Setup, Answer::fail());
    director.hold_of(4, Kind::Setup);
    let host = TestHost::start(&director, app(health())).await;
    is_held_after_two(&host).await;
    let (wait, failed) = host.held(4).await;
    assert_eq!(failed, 3);
    assert!((Duration::from_millis(800)..=Duration::from_millis(1200)).contains(&wait), "{wait:?}");
    let info = host.info(4).await.unwrap();
    assert_eq!((info.state, info.pid), (RunnerState::CrashBackoff, None));
    for runner in 1..=3 {
        let record = host.ended(runner).await;
        assert_eq!((record.reason, record.exit), (Reason::SetupFailed, Some(Exit::Status(3))));
        assert!(record.detail.unwrap().contains("told to fail"));
    }
    director.next_of(4, Kind::Setup).await.succeed().await;
    assert_eq!(host.served(&director, "a").await.runner(), 4);
}

#[tokio::test]
async fn a_setup_that_panics_or_ends_its_process_has_failed_s35c_s36c() {
    let director = Director::new();
    director.answer_of(1, Kind::Setup, Answer::panic());
    director.answer_of(2, Kind::Setup, Act::Exit(7));
    director.answer_of(3, Kind::Setup, Act::Abort);
    let host = TestHost::start(&director, app(health())).await;
    let panicked = host.ended(1).await;
    assert_eq!((panicked.reason, panicked.exit), (Reason::SetupFailed, Some(Exit::Status(3))));
    assert!(panicked.detail.unwrap().contains("told to panic"));
    for (runner, exit) in [(2, Exit::Status(7)), (3, Exit::Signal(6))] {
        let record = host.ended(runner).await;
        assert_eq!((record.reason, record.exit), (Reason::SetupFailed, Some(exit)));
    }
    host.ready(4).await;
}

#[tokio::test]
async fn a_runner_of_another_protocol_is_a_failed_start_whose_record_says_what_to_do_s36a_s77a() {
    // To the runner this is what a host of protocol 999 says.
    let mut runner = Command::new("sh");
    runner.args(["-c", "FAL_RUNNER_PROTOCOL=999 exec \"$0\"", env!("CARGO_BIN_EXE_fixture")]);
    let host = TestHost::start_command(runner, app(health()), |builder| builder).await;
    let record = host.ended(1).await;
    assert_eq!((record.reason, record.exit), (Reason::SetupFailed, Some(Exit::Status(1))));
    let detail =
        "this runner speaks protocol 1, its host 999: build both with the same version of fal-runtime";
    assert_eq!(record.detail.as_deref(), Some(detail));
}

#[tokio::test]
async fn a_program_that_cannot_be_started_is_a_failed_start_s35c_s37b() {
    let program = Command::new("/nonexistent/program");
    let host = TestHost::start_command(program, app(health()), |builder| builder).await;
    let record = host.ended(1).await;
    assert_eq!((record.reason, record.pid, record.exit), (Reason::SetupFailed, None, None));
    assert!(record.detail.unwrap().contains("/nonexistent/program"));
    assert_eq!(host.held(3).await.1, 2);
    host.stop().await;
    assert_eq!(host.ended(2).await.reason, Reason::SetupFailed);
}

#[tokio::test]
async fn a_setup_that_takes_longer_than_startup_timeout_is_told_to_stop_s35c_s42e() {
    for spec in [app(health()), blocking_app(health())] {
        let director = Director::new();
        director.hold_of(1, Kind::Setup);
        let app = spec.startup_timeout(Duration::from_secs(1));
        let host = TestHost::start(&director, app).await;
        let setup = director.next_of(1, Kind::Setup).await;
        assert_eq!(host.terminating(1).await, Reason::StartupTimeout);
        let record = host.ended(1).await;
        assert_eq!((record.reason, record.exit), (Reason::StartupTimeout, Some(Exit::Status(143))));
        setup.abandoned().await;
        host.ready(2).await;
        assert_eq!(director.count_of(1, Kind::HandleExit) + director.count_of(1, Kind::Teardown), 0);
    }
}

#[tokio::test]
async fn an_exit_before_the_first_pass_is_a_failed_start_s35c() {
    let director = Director::new();
    director.hold(Kind::Check);
    let host = TestHost::start(&director, app(health().failure_threshold(1000))).await;
    for runner in [1, 2] {
        host.awaiting_first_pass(runner).await;
        Process::new(host.started(runner).await.0).signal(Signal::KILL);
        assert_eq!(host.ended(runner).await.reason, Reason::Exited);
    }
    is_held_after_two(&host).await;
}

#[tokio::test]
async fn being_found_unhealthy_before_the_first_pass_is_a_failed_start_s35c() {
    let director = Director::new();
    director.answer(Kind::Check, Answer::fail());
    let host = TestHost::start(&director, app(health().failure_threshold(1))).await;
    is_held_after_two(&host).await;
    for runner in [1, 2] {
        assert_eq!(host.ended(runner).await.reason, Reason::Unhealthy);
    }
}

#[tokio::test]
async fn without_periodic_checks_a_minute_of_readiness_is_what_a_start_has_to_reach_s35c_s35e() {
    let director = Director::new();
    director.answer(Kind::ManualCheck, Answer::fail());
    let host = TestHost::start(&director, app(on_request())).await;
    for (runner, name) in [(1, "a"), (2, "b")] {
        let pending = host.call(name).await;
        director.call(name).await.answer(Answer::ok().asking()).await;
        pending.response().await;
        assert_eq!(host.ended(runner).await.reason, Reason::ManualCheckFailed);
    }
    is_held_after_two(&host).await;
}

#[tokio::test]
async fn a_pass_ends_the_row_of_failed_starts_s35e() {
    let director = Director::new();
    for runner in [1, 2] {
        director.answer_of(runner, Kind::Setup, Answer::fail());
    }
    let host = TestHost::start(&director, app(health())).await;
    host.held(3).await;
    for runner in 3..=5 {
        host.checked(runner, 1).await;
        Process::new(host.started(runner).await.0).signal(Signal::KILL);
        host.ended(runner).await;
    }
    host.ready(6).await;
    for runner in 4..=6 {
        assert!(!host.was_held(runner), "{runner}");
    }
}

#[tokio::test]
async fn a_program_whose_runners_do_not_start_exits_with_4_and_the_last_error_s48a() {
    let director = Director::new();
    director.answer(Kind::Setup, Answer::fail());
    let mut host = Program::run(&director, &["--app", "scripted", "--give-up-after", "3"]);
    assert_eq!(host.exit().await, Some(4));
    let error = host.stderr.line("error: gave up after 3 failed starts in a row").await;
    assert!(error.contains("runner 3, failed with `setup_failed` (status 3)"), "{error}");
    assert!(error.contains(": told to fail") && error.contains("; it printed last: "), "{error}");
}

#[tokio::test]
async fn a_program_whose_runners_pass_no_check_exits_with_the_check_in_its_error_s48a_s119a() {
    let director = Director::new();
    director.answer(Kind::Check, Answer::fail());
    let arguments = ["--app", "scripted", "--give-up-after", "1", "--start-check-interval", "50ms"];
    let mut host = Program::run(&director, &arguments);
    assert_eq!(host.exit().await, Some(4));
    let error = host.stderr.line("error: gave up after 1 failed starts in a row").await;
    let check = "runner 1, failed with `unhealthy` (status 0): the last check, POST /health: status 500: \"";
    assert!(error.contains(check) && error.contains("no runner has ever passed it"), "{error}");
}

#[tokio::test]
async fn a_program_that_gave_up_exits_with_4_even_if_it_is_told_to_stop_then_s48a() {
    let director = Director::new();
    director.hold(Kind::Setup);
    let arguments = ["--app", "blocking", "--runners", "2", "--give-up-after", "1"];
    let mut host = Program::run(&director, &arguments);
    director.next_of(1, Kind::Setup).await.answer(Answer::fail()).await;
    // It does not see SIGTERM, so the host is not gone before it is told to stop.
    let suspended = director.next_of(3, Kind::Setup).await;
    let process = Process::new(suspended.pid());
    process.signal(Signal::STOP);
    director.next_of(2, Kind::Setup).await.answer(Answer::fail()).await;
    host.stderr.line("gave up after 1 failed starts").await;
    host.signal(Signal::TERM);
    assert_eq!(host.exit().await, Some(4));
}
