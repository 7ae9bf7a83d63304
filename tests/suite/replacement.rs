//! How runners end and are replaced: S33, S34, S36, S37.

use std::time::Duration;

use fal_health::{Failure, Outcome, Trigger};
use fal_host::{Exit, Reason, ReplacementStrategy, RunnerState};
use fal_tests::{Act, Answer};
use rustix::process::Signal;

use crate::harness::*;

#[tokio::test]
async fn a_process_that_ends_by_itself_is_replaced_at_once_without_any_check_s34_s36c() {
    for (act, exit) in
        [(Act::Abort, Exit::Signal(6)), (Act::Exit(3), Exit::Status(3)), (Act::Exit(0), Exit::Status(0))]
    {
        let director = Director::new();
        let host = TestHost::start(&director, app(on_request())).await;
        let pending = host.call("a").await;
        director.call("a").await.answer(act).await;
        assert_eq!(pending.response().await.error_type(), "runner_disconnected");
        let record = host.ended(1).await;
        assert_eq!((record.reason, record.exit), (Reason::Exited, Some(exit)));
        assert_eq!(host.served(&director, "b").await.runner(), 2);
    }
}

#[tokio::test]
async fn a_process_that_is_killed_from_outside_is_replaced_at_once_s34() {
    let director = Director::new();
    let host = TestHost::start(&director, app(health().failure_threshold(1000))).await;
    host.checked(1, 1).await;
    let (pid, _) = host.started(1).await;
    Process::new(pid).signal(Signal::KILL);
    let record = host.ended(1).await;
    assert_eq!((record.reason, record.exit), (Reason::Exited, Some(Exit::Signal(9))));
    assert_eq!(host.served(&director, "a").await.runner(), 2);
}

#[tokio::test]
async fn what_a_runner_has_started_ends_with_it_however_it_ends_s33c() {
    let director = Director::new();
    let host = TestHost::start(&director, app(on_request())).await;
    for (runner, end) in [(1, Act::Exit(0).into()), (2, Answer::ok().asking())] {
        let pending = host.call("forks").await;
        director.call("forks").await.answer(Act::Fork).await;
        let child = pending.response().await.json()["child"].as_u64().unwrap();
        let child = Process::new(child.try_into().unwrap());
        director.answer(Kind::ManualCheck, Answer::fail());
        let pending = host.call("ends").await;
        director.call("ends").await.answer(end).await;
        pending.response().await;
        host.ended(runner).await;
        child.ended().await;
    }
}

#[tokio::test]
async fn requests_in_flight_on_an_unhealthy_runner_finish_while_its_replacement_serves_the_others_s33b_s35a()
{
    let director = Director::new();
    let host = TestHost::start(&director, app(health().failure_threshold(1))).await;
    let slow = host.call("slow").await;
    let call = director.call("slow").await;
    director.answer_of(1, Kind::Check, Answer::fail());
    assert_eq!(host.terminating(1).await, Reason::Unhealthy);
    assert_eq!(host.served(&director, "other").await.runner(), 2);
    assert_eq!(host.info(1).await.unwrap().state, RunnerState::Terminating);
    call.succeed().await;
    assert_eq!(slow.response().await.runner(), 1);
    let record = host.ended(1).await;
    assert_eq!((record.reason, record.exit), (Reason::Unhealthy, Some(Exit::Status(0))));
}

#[tokio::test]
async fn a_runner_that_does_not_end_in_its_grace_period_is_killed_s33c() {
    let director = Director::new();
    let app = app(health().timeout_seconds(1).failure_threshold(1))
        .termination_grace_period(Duration::from_millis(300));
    let host = TestHost::start(&director, app).await;
    let pending = host.call("a").await;
    let call = director.call("a").await;
    // From here on only SIGKILL ends it.
    let process = Process::new(call.pid());
    process.signal(Signal::STOP);
    assert_eq!(host.terminating(1).await, Reason::Unhealthy);
    host.killed(1).await;
    process.ended().await;
    let record = host.ended(1).await;
    assert_eq!((record.reason, record.exit), (Reason::Unhealthy, Some(Exit::Signal(9))));
    assert_eq!(pending.response().await.error_type(), "runner_disconnected");
    host.ready(2).await;
}

#[tokio::test]
async fn a_blocking_call_that_never_returns_does_not_keep_its_runner_s33c_s42c() {
    let director = Director::new();
    let config = health().failure_threshold(1);
    let app = blocking_app(config).termination_grace_period(Duration::from_secs(1));
    let host = TestHost::start(&director, app).await;
    let pending = host.call("a").await;
    let call = director.call("a").await;
    director.answer_of(1, Kind::Check, Answer::fail());
    let record = host.ended(1).await;
    assert_eq!(record.reason, Reason::Unhealthy);
    // It exits by itself, unless the machine is so busy that the host kills it first.
    assert!([Some(Exit::Status(4)), Some(Exit::Signal(9))].contains(&record.exit), "{:?}", record.exit);
    assert_eq!(pending.response().await.error_type(), "runner_disconnected");
    assert_eq!(director.count_of(1, Kind::Teardown), 0);
    call.abandoned().await;
}

#[tokio::test]
async fn requests_that_come_while_the_only_runner_is_replaced_wait_and_succeed_s34_s38d() {
    let director = Director::new();
    let host = TestHost::start(&director, app(on_request())).await;
    director.hold_of(2, Kind::Setup);
    Process::new(host.started(1).await.0).signal(Signal::KILL);
    let setup = director.next_of(2, Kind::Setup).await;
    let waiting = [host.call("a").await, host.call("b").await, host.call("c").await];
    host.settle().await;
    assert_eq!(director.count(Kind::Call), 0);
    setup.succeed().await;
    for name in ["a", "b", "c"] {
        director.call(name).await.succeed().await;
    }
    for pending in waiting {
        assert_eq!(pending.response().await.runner(), 2);
    }
}

#[tokio::test]
async fn a_replacement_starts_beside_the_runner_that_ends_unless_the_host_is_set_otherwise_s35a_s35b() {
    for (strategy, is_beside) in
        [(ReplacementStrategy::StartFirst, true), (ReplacementStrategy::StopFirst, false)]
    {
        let director = Director::new();
        let config = health().failure_threshold(1);
        let host =
            TestHost::start_with(&director, app(config), |builder| builder.replacement_strategy(strategy))
                .await;
        let slow = host.call("slow").await;
        let call = director.call("slow").await;
        director.answer_of(1, Kind::Check, Answer::fail());
        host.terminating(1).await;
        if is_beside {
            host.ready(2).await;
            assert!(!host.has_ended(1));
        } else {
            checks_elsewhere().await;
            assert!(!host.has_started(2));
        }
        call.succeed().await;
        slow.response().await;
        host.ended(1).await;
        host.ready(2).await;
    }
}

#[tokio::test]
async fn a_runner_that_ends_leaves_a_record_s36a() {
    let director = Director::new();
    let host = TestHost::start(&director, app(health().failure_threshold(2))).await;
    director.hold_of(1, Kind::Check);
    let (pid, _) = host.started(1).await;
    let passed = host.checks(1).len();
    for _ in 0..2 {
        director.next_of(1, Kind::Check).await.answer(Answer::fail()).await;
    }
    let record = host.ended(1).await;
    assert_eq!((record.id.get(), record.pid), (1, Some(pid)));
    assert!(record.ended > record.started);
    assert_eq!(record.checks, host.checks(1)[(passed + 2).saturating_sub(8)..]);

    let ended = within("a snapshot", host.handle.snapshot()).await.unwrap().ended;
    let [shown] = ended.as_slice() else { panic!("{ended:?}") };
    assert_eq!((shown.id, shown.pid, shown.reason), (record.id, record.pid, Reason::Unhealthy));
    assert_eq!((shown.exit, shown.checks.len()), (record.exit, record.checks.len()));
    assert!(shown.ended_at > shown.started_at);
    assert_eq!(shown.checks.last().unwrap().outcome, Outcome::Failure(Failure::Status(500)));
}

#[tokio::test]
async fn the_first_reason_wins_s36b() {
    let director = Director::new();
    let host = TestHost::start(&director, app(health().failure_threshold(1))).await;
    let slow = host.call("slow").await;
    let call = director.call("slow").await;
    director.answer_of(1, Kind::Check, Answer::fail());
    host.terminating(1).await;
    host.started(2).await;
    host.handle.shutdown();
    call.succeed().await;
    slow.response().await;
    assert_eq!(host.ended(1).await.reason, Reason::Unhealthy);
    assert_eq!(host.ended(2).await.reason, Reason::Stopped);
}

#[tokio::test]
async fn a_runner_is_pending_then_in_setup_idle_running_draining_and_terminating_s37a_s37b() {
    let director = Director::new();
    for kind in [Kind::Setup, Kind::HandleExit] {
        director.hold(kind);
    }
    let host = TestHost::start(&director, app(on_request())).await;
    let state = async || host.info(1).await.unwrap().state;
    let setup = director.next(Kind::Setup).await;
    assert_eq!(state().await, RunnerState::Setup);
    setup.succeed().await;
    host.ready(1).await;
    assert_eq!(state().await, RunnerState::Idle);
    let pending = host.call("a").await;
    let call = director.call("a").await;
    assert_eq!(state().await, RunnerState::Running);
    host.handle.shutdown();
    host.draining(1).await;
    assert_eq!(state().await, RunnerState::Draining);
    call.succeed().await;
    pending.response().await;
    let handle_exit = director.next(Kind::HandleExit).await;
    assert_eq!(state().await, RunnerState::Terminating);
    handle_exit.succeed().await;
    assert_eq!(host.ended(1).await.exit, Some(Exit::Status(0)));
}

#[tokio::test]
async fn a_planned_replacement_loses_no_request_s33d_s36c() {
    let director = Director::new();
    let host = TestHost::start(&director, app(health())).await;
    let slow = host.call("slow").await;
    let call = director.call("slow").await;
    director.hold_of(2, Kind::Setup);
    host.handle.restart();
    let setup = director.next_of(2, Kind::Setup).await;
    assert_eq!(host.served(&director, "before").await.runner(), 1);
    setup.succeed().await;
    assert_eq!(host.draining(1).await, Reason::Restarted);
    assert_eq!(host.served(&director, "after").await.runner(), 2);
    call.succeed().await;
    assert_eq!(slow.response().await.runner(), 1);
    assert_eq!(host.ended(1).await.reason, Reason::Restarted);
}

#[tokio::test]
async fn nothing_that_comes_late_changes_anything_s21a_s26() {
    let director = Director::new();
    let host = TestHost::start(&director, app(health().start_period_seconds(3600))).await;
    host.ready(1).await;
    director.hold_of(1, Kind::Check);
    let check = director.next_of(1, Kind::Check).await;
    director.answer(Kind::ManualCheck, Answer::fail());
    let asking = host.call("asks").await;
    let slow = host.call("slow").await;
    let call = director.call("slow").await;
    director.call("asks").await.answer(Answer::ok().asking()).await;
    asking.response().await;
    check.answer(Answer::fail()).await;
    assert_eq!(host.terminating(1).await, Reason::ManualCheckFailed);
    // Its slow call asks for one more check, which would pass.
    director.answer(Kind::ManualCheck, Answer::ok());
    call.answer(Answer::ok().asking()).await;
    assert_eq!(slow.response().await.runner(), 1);
    let record = host.ended(1).await;
    assert_eq!(record.reason, Reason::ManualCheckFailed);
    assert_eq!(record.checks.last().unwrap().trigger, Trigger::Manual);
    assert_eq!(director.count(Kind::ManualCheck), 1);
}
