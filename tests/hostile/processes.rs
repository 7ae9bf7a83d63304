//! Runners that crash, hang, fork, and ignore signals: S33, S34, S36, S39.

use std::num::NonZeroU64;
use std::time::Duration;

use fal_health::{Failure, HealthCheck, Outcome};
use fal_host::{Exit, Reason};
use rustix::process::Signal;

use crate::fault::{Answer, Check, Deed};
use crate::harness::{Client, INTERVAL, Process, TestHost, within};
use crate::rig::{HASTE, Rig, SLOTS, TAKEN_ALONG, TIMEOUT, app, checked, hasty, patiently, program, request};

/// Until a runner that is stopped or deaf has been killed: two checks that take their whole time, each of which waits for
/// its tick, and the grace period.
const KILLED: Duration = INTERVAL.saturating_add(TIMEOUT).saturating_mul(2).saturating_add(HASTE);

/// Checks between the end of a process and the moment when the host knows of it must not decide.
fn not_by_checks() -> HealthCheck {
    patiently().failure_threshold(1000)
}

#[tokio::test]
async fn a_runner_that_ends_itself_is_replaced_at_once_and_takes_only_its_own_requests_along_s34_s36c() {
    for (deed, exit) in [(Deed::Exit, Exit::Status(9)), (Deed::ExhaustMemory, Exit::Signal(6))] {
        let rig = Rig::start(app(not_by_checks())).await;
        let told = rig.tell("do", deed).await;
        let record = rig.replaced(&told, Duration::ZERO).await;
        assert_eq!((record.reason, record.exit), (Reason::Exited, Some(exit)));
        rig.lost_at_most(TAKEN_ALONG).await;
    }
}

#[tokio::test]
async fn a_stopped_runner_is_killed_when_its_grace_period_is_over_s24_s33c() {
    let rig = Rig::start(hasty(checked())).await;
    let told = rig.tell("do", Deed::Stop).await;
    let record = rig.replaced(&told, KILLED).await;
    assert_eq!((record.reason, record.exit), (Reason::Unhealthy, Some(Exit::Signal(9))));
    assert_eq!(record.checks.last().unwrap().outcome, Outcome::Failure(Failure::Timeout));
    rig.lost_at_most(SLOTS).await;
}

#[tokio::test]
async fn a_runner_that_is_stopped_for_one_check_is_left_alone_and_loses_nothing_s22_s33a() {
    // Many failures of two seconds each: however late it is waked on a busy machine, it is early enough.
    let rig = Rig::start(app(checked().failure_threshold(30))).await;
    let told = rig.tell("do", Deed::Stop).await;
    let (runner, process) = (told.runner(), told.process());
    let nth = rig.host.checks(runner).len() + 1;
    rig.host.checked(runner, nth).await;
    process.signal(Signal::CONT);
    while rig.host.checks(runner).last().unwrap().outcome != Outcome::Pass {
        let nth = rig.host.checks(runner).len() + 1;
        rig.host.checked(runner, nth).await;
    }
    rig.left_alone(runner, 3).await;
    rig.lost_none().await;
}

#[tokio::test]
async fn a_runner_that_ignores_sigterm_has_its_grace_period_and_not_more_s33c() {
    let rig = Rig::start(hasty(patiently())).await;
    rig.tell_both("do", Deed::IgnoreTerm).await;
    let told = rig.tell("check", Check::Failing).await;
    rig.host.killed(told.runner()).await;
    let record = rig.replaced(&told, KILLED).await;
    assert_eq!((record.reason, record.exit), (Reason::Unhealthy, Some(Exit::Signal(9))));
    let last = record.checks.last().unwrap();
    assert!(record.ended.since(last.started + last.duration) >= HASTE);
    // It still served what it had.
    rig.lost_none().await;
}

#[tokio::test]
async fn whatever_a_runner_has_forked_lives_as_long_as_it_does_and_ends_with_it_s33c() {
    let rig = Rig::start(app(not_by_checks())).await;
    let told = rig.tell("do", Deed::Fork).await;
    let children = told.children();
    assert!(children.len() > 10);
    rig.left_alone(told.runner(), 2).await;
    assert!(children.iter().all(|child| !child.has_ended()));
    told.process().signal(Signal::KILL);
    for child in &children {
        child.ended().await;
    }
    let record = rig.replaced(&told, Duration::ZERO).await;
    assert_eq!((record.reason, record.exit), (Reason::Exited, Some(Exit::Signal(9))));
    rig.lost_at_most(TAKEN_ALONG).await;
}

#[tokio::test]
async fn a_runner_may_print_anything_without_limit_s14a_s34() {
    for deed in [Deed::FloodTheLog, Deed::PrintBinary] {
        let rig = Rig::start(app(patiently())).await;
        let told = rig.tell("do", deed).await;
        rig.left_alone(told.runner(), 6).await;
        rig.lost_none().await;
    }
}

#[tokio::test]
async fn a_runner_whose_sockets_were_deleted_is_unreachable_and_its_requests_go_elsewhere_s36c_s39e_s119c() {
    let rig = Rig::start(app(not_by_checks())).await;
    let told = rig.tell("do", Deed::DeleteSockets).await;
    let record = rig.replaced(&told, Duration::ZERO).await;
    assert_eq!((record.reason, record.exit), (Reason::Unreachable, Some(Exit::Status(0))));
    assert!(record.detail.is_some_and(|detail| detail.contains(" refused the connection of ")));
    rig.lost_none().await;
}

#[tokio::test]
async fn a_runner_that_accepts_no_connections_any_more_fails_its_checks_without_a_request_s19d_s24() {
    let host = TestHost::start_command(program(&[]), app(patiently()), |builder| builder).await;
    host.checked(1, 2).await;
    // Its checks have a connection that stays open.
    assert_eq!(host.exchange(&request("do", Deed::DeleteSockets)).await.status, 200);
    let record = host.ended(1).await;
    assert_eq!((record.reason, record.exit), (Reason::Unhealthy, Some(Exit::Status(0))));
    assert_eq!(record.checks.last().unwrap().outcome, Outcome::Failure(Failure::Connect));
}

#[tokio::test]
async fn a_runner_that_is_killed_while_it_drains_is_waited_for_no_longer_s33d_s36b() {
    let host = TestHost::start_command(program(&[]), app(patiently()), |builder| builder).await;
    let (pid, _) = host.started(1).await;
    host.checked(1, 1).await;
    let mut held = Client::tcp(host.address()).await;
    held.send(&request("answer", Answer::Never)).await;
    while host.info(1).await.unwrap().in_flight == 0 {
        tokio::task::yield_now().await;
    }
    host.handle.restart();
    assert_eq!(host.draining(1).await, Reason::Restarted);
    Process::new(pid).signal(Signal::KILL);
    let record = host.ended(1).await;
    assert_eq!(record.exit, Some(Exit::Signal(9)));
    // It has exited, unless its connections were seen to close before it was: then it had drained.
    assert!([Reason::Exited, Reason::Restarted].contains(&record.reason), "{record:?}");
    assert_eq!(held.response().await.error_type(), "runner_disconnected");
}

#[tokio::test]
async fn a_runner_that_leaks_memory_is_replaced_and_loses_no_request_s54a_s54c() {
    let limit = NonZeroU64::new(200 * 1024 * 1024);
    let rig = Rig::start_with(app(patiently()), |builder| builder.max_memory(limit)).await;
    let told = rig.tell("do", Deed::Leak).await;
    let record = rig.replaced(&told, Duration::from_secs(4)).await;
    assert_eq!((record.reason, record.exit), (Reason::Memory, Some(Exit::Status(0))));
    assert!(record.checks.iter().all(|check| check.outcome == Outcome::Pass));
    rig.lost_none().await;
}

#[tokio::test]
async fn runners_that_use_less_memory_than_their_limit_are_left_alone_s54a() {
    let limit = NonZeroU64::new(200 * 1024 * 1024);
    let rig = Rig::start_with(app(patiently()), |builder| builder.max_memory(limit)).await;
    let measured = async || rig.host.info(1).await.and_then(|info| info.memory);
    within("a measurement", async {
        while measured().await.is_none() {
            rig.traffic.goes_on().await;
        }
    })
    .await;
    rig.left_alone(1, 4).await;
    rig.lost_none().await;
}

#[tokio::test]
async fn runners_that_reach_their_age_or_number_of_requests_are_replaced_and_lose_no_request_s54a_s54c() {
    let second = Duration::from_secs(1);
    let rig = Rig::start_with(app(patiently()), |builder| builder.max_age(second)).await;
    for runner in [1, 2] {
        assert_eq!(rig.host.ended(runner).await.reason, Reason::Age);
    }
    rig.lost_none().await;
    let rig = Rig::start_with(app(patiently()), |builder| builder.max_requests(NonZeroU64::new(50))).await;
    for runner in [1, 2] {
        assert_eq!(rig.host.ended(runner).await.reason, Reason::Requests);
    }
    rig.lost_none().await;
}
