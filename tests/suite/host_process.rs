//! A host in its own process, and its signals: S41.

use std::time::Duration;

use fal_tests::{Act, Answer};
use rustix::process::Signal;
use tokio::net::UnixStream;
use tokio::process::Command;

use crate::harness::*;

/// A host of one runner, which has started a process that ignores SIGTERM and one that left the process group.
struct Running {
    director: Director,
    host: Program,
    runner: Process,
    children: [Process; 2],
}

impl Running {
    async fn start() -> Self {
        let director = Director::new();
        let host = Program::run(&director, &["--app", "scripted"]);
        let child = async |act: Act| {
            let pending = host.call("starts").await;
            let call = director.call("starts").await;
            let runner = call.pid();
            call.answer(act).await;
            let child = pending.response().await.json()["child"].as_u64().unwrap();
            (runner, Process::new(child.try_into().unwrap()))
        };
        let (runner, forked) = child(Act::Fork).await;
        let (_, escaped) = child(Act::Escape).await;
        let runner = Process::new(runner);
        Self { director, host, runner, children: [forked, escaped] }
    }

    async fn all_have_exited(&self) {
        self.runner.ended().await;
        for child in &self.children {
            child.ended().await;
        }
    }
}

#[tokio::test]
async fn sigterm_stops_a_host_with_its_runners_and_all_that_they_started_s41d_s41f() {
    let mut running = Running::start().await;
    let slow = running.host.call("slow").await;
    let call = running.director.call("slow").await;
    running.host.signal(Signal::TERM);
    running.host.stderr.line("DRAINING runner=1 stopped").await;
    assert!(!running.runner.has_ended());
    call.succeed().await;
    assert_eq!(slow.response().await.status, 200);
    assert_eq!(running.host.exit().await, Some(0));
    running.all_have_exited().await;
    assert_eq!(running.director.count(Kind::Teardown), 1);
}

#[tokio::test]
async fn a_host_takes_all_the_open_files_that_it_may_have_and_its_runners_have_what_it_was_given() {
    let director = Director::new();
    let fixture = fixture(&director);
    let (name, value) = director.environment();
    let mut shell = Command::new("sh");
    shell.args(["-c", r#"ulimit -Sn 256 && ulimit -Hn 2000 && exec "$0" "$@""#]).env(name, value);
    shell.arg(fixture.as_std().get_program());
    shell.args(["run", "--listen=127.0.0.1:0", "--admin=off", "--app=scripted"]);
    let host = Program::start(&mut shell);
    let pending = host.call("asked").await;
    let call = director.call("asked").await;
    assert_eq!(open_files(host.id()), ["2000", "2000"]);
    assert_eq!(open_files(call.pid()), ["256", "2000"]);
    call.succeed().await;
    pending.response().await;
}

/// The soft and the hard limit of a process.
fn open_files(pid: u32) -> [String; 2] {
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let limits = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    let mut limits = limits.split_whitespace().map(str::to_owned);
    [limits.next().unwrap(), limits.next().unwrap()]
}

#[tokio::test]
async fn ctrl_c_reaches_the_host_alone_which_stops_its_runners_in_order_s41d() {
    let mut running = Running::start().await;
    let slow = running.host.call("slow").await;
    let call = running.director.call("slow").await;
    running.host.interrupt();
    running.host.stderr.line("DRAINING runner=1 stopped").await;
    call.succeed().await;
    assert_eq!(slow.response().await.status, 200);
    assert_eq!(running.host.exit().await, Some(0));
    running.all_have_exited().await;
    assert_eq!(running.director.count(Kind::HandleExit), 1);
    assert_eq!(running.director.count(Kind::Teardown), 1);
}

#[tokio::test]
async fn a_second_signal_kills_every_group_and_ends_the_host_with_130_s41e() {
    for (first, second) in [(Signal::TERM, Signal::INT), (Signal::INT, Signal::INT)] {
        let mut running = Running::start().await;
        let slow = running.host.call("slow").await;
        let call = running.director.call("slow").await;
        running.host.signal(first);
        running.host.stderr.line("DRAINING runner=1").await;
        assert_eq!(running.host.insist(second).await, Some(130));
        running.all_have_exited().await;
        call.abandoned().await;
        drop(slow);
        assert_eq!(running.director.count(Kind::Teardown), 0);
    }
}

/// Signals a process and then its group, as `timeout` and supervisors do.
#[tokio::test]
async fn signals_that_arrive_at_once_are_one_s41e() {
    let director = Director::new();
    let mut host = Program::run(&director, &["--app", "scripted"]);
    let slow = host.call("slow").await;
    let call = director.call("slow").await;
    // Both signals are pending when it continues, so the test does not depend on timing. The system would merge two of
    // the same kind.
    host.signal(Signal::STOP);
    host.signal(Signal::TERM);
    host.signal(Signal::INT);
    host.signal(Signal::CONT);
    host.stderr.line("DRAINING runner=1").await;
    call.succeed().await;
    assert_eq!(slow.response().await.status, 200);
    assert_eq!(host.exit().await, Some(0));
}

#[tokio::test]
async fn no_runner_survives_a_host_that_is_killed_s41f() {
    let mut running = Running::start().await;
    let slow = running.host.call("slow").await;
    let call = running.director.call("slow").await;
    running.host.signal(Signal::KILL);
    assert_eq!(running.host.exit().await, None);
    running.runner.ended().await;
    // A process that left the group may outlive a host that was killed.
    let [forked, _escaped] = &running.children;
    forked.ended().await;
    call.abandoned().await;
    drop(slow);
}

#[tokio::test]
async fn no_runner_in_setup_survives_a_host_that_is_killed_s41f() {
    for app in ["scripted", "blocking"] {
        let director = Director::new();
        director.hold(Kind::Setup);
        let mut host = Program::run(&director, &["--app", app]);
        let setup = director.next(Kind::Setup).await;
        let runner = Process::new(setup.pid());
        host.signal(Signal::KILL);
        host.exit().await;
        runner.ended().await;
    }
}

#[tokio::test]
async fn no_report_of_a_runner_is_lost_while_its_host_is_suspended_s36c_s44a() {
    let director = Director::new();
    director.hold(Kind::Setup);
    let host = Program::run(&director, &["--app", "scripted", "--runners", "2"]);
    let (failing, succeeding) =
        (director.next_of(1, Kind::Setup).await, director.next_of(2, Kind::Setup).await);
    director.answer(Kind::Setup, Answer::ok());
    host.signal(Signal::STOP);
    let (ended, ready) = (Process::new(failing.pid()), succeeding.question.listen.clone());
    failing.answer(Answer::fail()).await;
    succeeding.succeed().await;
    ended.ended().await;
    let listens = async {
        while UnixStream::connect(ready.trim_start_matches("unix:")).await.is_err() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    within("the runner to listen", listens).await;
    host.signal(Signal::CONT);
    host.stderr.line("IDLE runner=2").await;
    host.stderr.line("TERMINATED runner=1 setup_failed told to fail").await;
}

#[tokio::test]
async fn a_host_in_which_nothing_is_in_flight_stops_at_once_s41d_s66c() {
    let director = Director::new();
    let mut host = Program::run(&director, &["--app", "scripted", "--runners", "3"]);
    for runner in 1..=3 {
        host.stderr.line(&format!("IDLE runner={runner}")).await;
    }
    host.signal(Signal::TERM);
    assert_eq!(host.exit().await, Some(0));
    assert_eq!(director.count(Kind::Teardown), 3);
    for runner in 1..=3 {
        host.stderr.line(&format!("TERMINATED runner={runner} reason=stopped")).await;
    }
}

#[tokio::test]
async fn what_a_runner_has_started_ends_with_it_wherever_it_went_s33c_s34() {
    let running = Running::start().await;
    running.runner.signal(Signal::KILL);
    running.all_have_exited().await;
    running.host.stderr.line("IDLE runner=2").await;
}

#[tokio::test]
async fn a_host_that_is_out_of_descriptors_blames_no_runner_s20a() {
    let director = Director::new();
    director.hold(Kind::Check);
    let host = Program::run(&director, &["--app", "scripted", "--admit", "ready"]);
    let check = director.next(Kind::Check).await;
    // A failure closes the reused connection, so the next check needs a descriptor.
    let limit = host.limit_descriptors(Some(1));
    check.answer(Answer::fail()).await;
    for nth in 1..=5 {
        host.stderr.lines("inconclusive runner=1 the host could not make the check", nth).await;
    }
    assert_eq!(director.count(Kind::Check), 1);
    host.limit_descriptors(limit);
    let check = director.next(Kind::Check).await;
    let health = host.shows("/runners").await.json()["runners"][0]["health"].clone();
    assert_eq!((&health["verdict"], &health["streak"]), (&"failing".into(), &1.into()));
    check.succeed().await;
}
