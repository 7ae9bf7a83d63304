//! How a host and its runners stop: S41, S42.

use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use fal_host::{Exit, Reason};
use fal_tests::{Answer, Called};

use crate::harness::*;

#[tokio::test]
async fn a_host_that_stops_refuses_waiting_requests_finishes_those_in_flight_and_starts_nothing_s41a_s41b_s41c_s42b()
 {
    let director = Director::new();
    director.hold_of(2, Kind::Setup);
    let two = NonZeroUsize::new(2).unwrap();
    let app = serving_at_a_time(1, on_request());
    let host = TestHost::start_with(&director, app, |builder| builder.runners(two)).await;
    let setup = director.next_of(2, Kind::Setup).await;
    let served = host.call("served").await;
    let call = director.call("served").await;
    let waiting = host.call("waits").await;
    host.settle().await;

    host.handle.shutdown();
    let refused = waiting.response().await;
    assert_eq!((refused.status, refused.error_type().as_str()), (503, "host_stopping"));
    // The runner in setup gets SIGTERM at once, while the other still drains.
    let interrupted = host.ended(2).await;
    assert_eq!((interrupted.reason, interrupted.exit), (Reason::Stopped, Some(Exit::Status(143))));
    setup.abandoned().await;
    assert_eq!(director.count_of(2, Kind::HandleExit) + director.count_of(2, Kind::Teardown), 0);
    assert!(!host.has_ended(1));
    assert!(Client::is_refused(host.address()).await, "its listener is closed");

    call.succeed().await;
    let response = served.response().await;
    assert_eq!((response.runner(), response.header("connection")), (1, Some("close")));
    let record = host.ended(1).await;
    assert_eq!((record.reason, record.exit), (Reason::Stopped, Some(Exit::Status(0))));
    within("the host's end", host.handle.stopped()).await;
    assert!(!host.has_started(3));
    assert!(host.handle.snapshot().await.is_none());
}

#[tokio::test]
async fn after_the_drain_timeout_the_runner_is_told_to_stop_and_has_its_grace_period_still_s33d_s41d() {
    let director = Director::new();
    let timeout = Duration::from_millis(50);
    let host =
        TestHost::start_with(&director, app(on_request()), |builder| builder.drain_timeout(timeout)).await;
    let slow = host.call("slow").await;
    let call = director.call("slow").await;
    host.handle.shutdown();
    assert_eq!(host.terminating(1).await, Reason::Stopped);
    director.asked_times(1, 1, Kind::HandleExit).await;
    call.succeed().await;
    assert_eq!(slow.response().await.runner(), 1);
    assert_eq!(host.ended(1).await.exit, Some(Exit::Status(0)));
}

#[tokio::test]
async fn a_host_that_is_told_twice_kills_every_group_s41e() {
    let director = Director::new();
    let host = TestHost::start(&director, app(on_request())).await;
    let fork = host.call("forks").await;
    director.call("forks").await.answer(fal_tests::Act::Fork).await;
    let child = fork.response().await.json()["child"].as_u64().unwrap();
    let child = Process::new(child.try_into().unwrap());
    let pending = host.call("a").await;
    let call = director.call("a").await;
    host.handle.shutdown();
    host.draining(1).await;
    host.handle.kill();
    call.abandoned().await;
    let record = host.ended(1).await;
    assert_eq!((record.reason, record.exit), (Reason::Stopped, Some(Exit::Signal(9))));
    child.ended().await;
    assert_eq!(pending.response().await.error_type(), "runner_disconnected");
    within("the host's end", host.handle.stopped()).await;
}

#[tokio::test]
async fn a_host_that_has_stopped_leaves_no_socket_behind_s41d() {
    let director = Director::new();
    let host = TestHost::start(&director, app(on_request())).await;
    host.ready(1).await;
    let listen = director.asked()[0].listen.clone();
    let socket = Path::new(listen.strip_prefix("unix:").unwrap());
    assert!(socket.exists());
    host.stop().await;
    assert!(!socket.parent().unwrap().exists());
}

#[tokio::test]
async fn a_host_that_is_dropped_leaves_no_runner_s41f() {
    let director = Director::new();
    let host = TestHost::start(&director, app(on_request())).await;
    host.ready(1).await;
    let process = Process::new(host.started(1).await.0);
    drop(host);
    process.ended().await;
}

#[tokio::test]
async fn a_held_start_vanishes_without_a_record_when_the_host_stops_s37c_s41a() {
    let director = Director::new();
    director.answer(Kind::Setup, Answer::fail());
    let host = TestHost::start(&director, app(on_request())).await;
    host.held(4).await;
    host.stop().await;
    // On a very slow machine the wait of a second may have passed; then it had a process.
    assert!(!host.has_ended(4) || host.ended(4).await.pid.is_some());
    assert!(!host.has_started(5) || host.has_ended(4));
}

#[tokio::test]
async fn a_runner_told_to_stop_calls_handle_exit_at_once_and_teardown_when_its_calls_have_ended_s42a_s42b() {
    for spec in [app(on_request()), blocking_app(on_request())] {
        let director = Director::new();
        let host =
            TestHost::start_with(&director, spec, |builder| builder.drain_timeout(Duration::ZERO)).await;
        let slow = host.call("slow").await;
        let call = director.call("slow").await;
        host.handle.shutdown();
        director.asked_times(1, 1, Kind::HandleExit).await;
        assert_eq!(director.count(Kind::Teardown), 0);
        call.succeed().await;
        assert_eq!(slow.response().await.runner(), 1);
        assert_eq!(host.ended(1).await.exit, Some(Exit::Status(0)));
        let called: Vec<_> = director.asked().into_iter().map(|question| question.called).collect();
        let [Called::Setup, Called::Endpoint(..), Called::HandleExit, Called::Teardown] = called.as_slice()
        else {
            panic!("{called:#?}")
        };
    }
}

#[tokio::test]
async fn an_error_at_the_end_still_ends_the_runner_s42b() {
    for (kind, exit) in [(Kind::HandleExit, Exit::Status(0)), (Kind::Teardown, Exit::Status(5))] {
        for answer in [Answer::fail(), Answer::panic()] {
            let director = Director::new();
            director.answer(kind, answer);
            let host = TestHost::start(&director, app(on_request())).await;
            host.ready(1).await;
            host.stop().await;
            assert_eq!(host.ended(1).await.exit, Some(exit), "{kind:?}");
            assert_eq!(director.count(Kind::Teardown), 1);
        }
    }
}

#[tokio::test]
async fn an_end_that_takes_longer_than_the_grace_period_is_cut_short_s33c_s42b() {
    for kind in [Kind::HandleExit, Kind::Teardown] {
        let director = Director::new();
        director.hold(kind);
        let app = app(on_request()).termination_grace_period(Duration::from_secs(1));
        let host = TestHost::start(&director, app).await;
        host.ready(1).await;
        host.handle.shutdown();
        let stuck = director.next(kind).await;
        let exit = host.ended(1).await.exit;
        assert!([Some(Exit::Status(4)), Some(Exit::Signal(9))].contains(&exit), "{exit:?}");
        stuck.abandoned().await;
        within("the host's end", host.handle.stopped()).await;
    }
}
