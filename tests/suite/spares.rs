//! Spares and scaling: S75, S76.

use std::num::NonZeroUsize;
use std::time::Duration;

use fal_host::{EventKind, Exit, Reason, RunnerState};
use fal_tests::Answer;
use rustix::process::Signal;

use crate::harness::*;

/// A host of this many runners and one spare, the last one, when all are ready.
async fn with_spare(director: &Director, runners: u64) -> TestHost {
    let count = NonZeroUsize::new(usize::try_from(runners).unwrap()).unwrap();
    let host =
        TestHost::start_with(director, app(health()), |builder| builder.runners(count).spares(1)).await;
    for runner in 1..=runners + 1 {
        host.passed(runner).await;
    }
    host
}

/// The ids of the runners that take requests, and of the spares that are ready.
async fn roles(host: &TestHost) -> (Vec<u64>, Vec<u64>) {
    let snapshot = host.handle.snapshot().await.unwrap();
    let ready = |state| matches!(state, RunnerState::Idle | RunnerState::Running);
    let ids = |spare| {
        let wanted = snapshot.runners.iter().filter(|it| ready(it.state) && it.spare == spare);
        wanted.map(|it| it.id.get()).collect()
    };
    (ids(false), ids(true))
}

#[tokio::test]
async fn a_spare_takes_the_place_of_a_crashed_runner_before_its_replacement_has_started_s75a_s75b() {
    let director = Director::new();
    let host = with_spare(&director, 1).await;
    let (serving, spares) = roles(&host).await;
    let (first, spare) = (serving[0], spares[0]);
    director.hold(Kind::Setup);
    let mut events = host.handle.events();
    Process::new(host.started(first).await.0).signal(Signal::KILL);
    let terminated = loop {
        let event = events.next().await.unwrap();
        if matches!(event.kind, EventKind::Terminated(_)) {
            break event.at;
        }
    };
    let promoted = loop {
        let event = events.next().await.unwrap();
        if matches!(event.kind, EventKind::Ready { .. }) {
            assert_eq!(event.runner.unwrap().get(), spare);
            break event.at;
        }
    };
    // The limit is for a machine that is busy.
    let took = promoted.duration_since(terminated).unwrap_or_default();
    println!("the spare took requests {took:?} after the end of the runner was known");
    assert!(took < Duration::from_millis(500), "{took:?}");
    assert_eq!(host.served(&director, "a").await.runner(), spare);
    director.next(Kind::Setup).await.succeed().await;
    host.passed(3).await;
    assert_eq!(roles(&host).await, (vec![spare], vec![3]));
    assert_eq!(host.info(3).await.unwrap().index, host.ended(first).await.index);
}

#[tokio::test]
async fn a_spare_replaces_an_unhealthy_runner_and_one_that_asks_for_its_stop_s75b_s75c_s58b() {
    let director = Director::new();
    let host = with_spare(&director, 2).await;
    director.answer_of(1, Kind::Check, Answer::fail());
    assert_eq!(host.ended(1).await.reason, Reason::Unhealthy);
    let spare_is_ready = async || {
        within("a spare", async {
            while roles(&host).await.1.is_empty() {
                host.settle().await;
            }
        })
        .await;
    };
    spare_is_ready().await;
    assert_eq!(roles(&host).await.0.len(), 2);
    let asking = host.call("asks").await;
    director.call("asks").await.answer(Answer::ok().stopping()).await;
    let asked = asking.response().await.runner();
    assert_eq!(host.draining(asked).await, Reason::Requested);
    assert_eq!(roles(&host).await.0.len(), 2, "it is replaced at once");
    spare_is_ready().await;
}

#[tokio::test]
async fn a_spare_gets_no_request_while_the_runners_serve_s75a_s75b() {
    let director = Director::new();
    let host = with_spare(&director, 1).await;
    let (serving, spares) = roles(&host).await;
    let seen = host.checks(spares[0]).len();
    for name in ["a", "b", "c", "d"] {
        assert_eq!(host.served(&director, name).await.runner(), serving[0]);
    }
    host.checked(spares[0], seen + 3).await;
    assert_eq!(roles(&host).await, (serving, spares));
}

#[tokio::test]
async fn an_unhealthy_spare_is_replaced_and_no_request_notices_s75c() {
    let director = Director::new();
    let host = with_spare(&director, 1).await;
    let (serving, spares) = roles(&host).await;
    director.answer_of(spares[0], Kind::Check, Answer::fail());
    let record = host.ended(spares[0]).await;
    assert_eq!((record.reason, record.exit), (Reason::Unhealthy, Some(Exit::Status(0))));
    assert_eq!(host.served(&director, "a").await.runner(), serving[0]);
    host.passed(3).await;
    assert_eq!(roles(&host).await, (serving, vec![3]));
}

#[tokio::test]
async fn a_rolling_restart_replaces_the_spare_too_s75d() {
    let director = Director::new();
    let host = with_spare(&director, 2).await;
    within("the restart", host.handle.restart_and_wait()).await.unwrap();
    for runner in 1..=3 {
        assert_eq!(host.ended(runner).await.reason, Reason::Restarted);
    }
    let (serving, spares) = roles(&host).await;
    assert_eq!((serving.len(), spares.len()), (2, 1));
}

#[tokio::test]
async fn a_host_is_scaled_up_and_down_and_loses_no_request_s76a_s76b() {
    let director = Director::new();
    let host = TestHost::start(&director, app(health())).await;
    host.ready(1).await;
    let to = |runners| host.handle.scale(NonZeroUsize::new(runners).unwrap());
    to(3);
    for runner in 2..=3 {
        host.ready(runner).await;
    }
    let snapshot = host.handle.snapshot().await.unwrap();
    assert_eq!(snapshot.scale.runners.get(), 3);
    assert_eq!(snapshot.runners.iter().map(|it| it.index).collect::<Vec<_>>(), [0, 1, 2]);
    // One request in flight at each runner.
    let (mut pending, mut calls) = (Vec::new(), Vec::new());
    for name in ["a", "b", "c"] {
        pending.push(host.call(name).await);
        calls.push(director.call(name).await);
    }
    to(1);
    assert_eq!([host.draining(2).await, host.draining(3).await], [Reason::ScaledDown; 2]);
    for call in calls {
        call.succeed().await;
    }
    for pending in pending {
        assert_eq!(pending.response().await.status, 200);
    }
    for runner in 2..=3 {
        assert_eq!(host.ended(runner).await.reason, Reason::ScaledDown);
    }
    assert!(!host.has_started(4), "they are not replaced");
}

#[tokio::test]
async fn a_host_in_the_background_of_a_terminal_that_stops_writers_goes_on_s76c() {
    let director = Director::new();
    let mut host = fixture(&director);
    host.args(["run", "--listen=127.0.0.1:0", "--admin=127.0.0.1:0", "--app=scripted", "--runners=2"]);
    host.env("NO_COLOR", "1");
    let (mut shell, host) = run_in_background(&host).await;
    // The host writes its log to the terminal.
    for runner in 1..=2 {
        shell.stderr.line(&format!("runner {runner}  IDLE")).await;
    }
    host.signal(Signal::TTOU);
    let pending = shell.call("asked").await;
    director.call("asked").await.succeed().await;
    assert_eq!(pending.response().await.status, 200);
    assert_eq!(shell.shows("/runners").await.json()["scale"]["runners"], 2);
    host.signal(Signal::TERM);
    assert_eq!(shell.exit().await, Some(0));
    host.ended().await;
}

#[tokio::test]
async fn signals_and_the_admin_interface_scale_a_host_s76c_s76d() {
    let director = Director::new();
    let host = Program::run(&director, &["--app", "scripted"]);
    host.stderr.line("IDLE runner=1").await;
    host.signal(Signal::TTIN);
    host.stderr.line("IDLE runner=2").await;
    host.signal(Signal::TTOU);
    host.stderr.line("TERMINATED runner=2 scaled_down").await;
    // It stays at one.
    host.signal(Signal::TTOU);
    let post = async |path: &str| Client::tcp(host.admin().await).await.exchange(&Request::order(path)).await;
    assert_eq!(post("/scale?runners=none").await.status, 400);
    let response = post("/scale?runners=2").await;
    assert_eq!((response.status, response.json()["runners"].as_u64()), (202, Some(2)));
    host.stderr.line("IDLE runner=3").await;
    let shown = host.shows("/runners").await.json();
    assert_eq!(shown["scale"], serde_json::json!({ "runners": 2, "spares": 0 }));
    assert_eq!(shown["runners"].as_array().unwrap().len(), 2);
}
