//! A program that the system does not execute, as on a file system that does not answer (S61, S92a).

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::process::Signal;
use tokio::process::Command;

use crate::harness::*;
use crate::upgrades::Upgradable;

/// Holds every execution of a program until it is dropped.
struct HeldProgram(Program);

impl HeldProgram {
    /// `None` where the system does not allow it.
    async fn hold(program: &Path) -> Option<Self> {
        let mut command = Command::new("python3");
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/suite/hold_exec.py")).arg(program);
        let holder = Self(Program::start_with(&mut command, Stdio::piped()));
        let first = holder.0.stdout.line("").await;
        if first != "ready" {
            println!("skipped: {first}");
            return None;
        }
        Some(holder)
    }

    /// The first process that is held.
    async fn process(&self) -> Process {
        let line = self.0.stdout.line("held ").await;
        Process::new(line.split(' ').nth(1).unwrap().parse().unwrap())
    }
}

/// A copy of the fixture, which no other test executes.
fn copy(app: &Upgradable) -> PathBuf {
    let path = app.path("copy");
    // By another process: this one may be forking, and a program that is open for writing does not start.
    let mut command = std::process::Command::new("cp");
    assert!(command.arg(env!("CARGO_BIN_EXE_fixture")).arg(&path).status().unwrap().success());
    path
}

async fn runner_of(app: &Upgradable) -> Process {
    let shown = app.host.shows_when(|shown| shown["runners"][0]["state"] == "IDLE").await;
    Process::new(shown["runners"][0]["pid"].as_u64().unwrap().try_into().unwrap())
}

#[tokio::test]
#[ignore = "holds the execution of a program, so it needs root"]
async fn a_killed_host_leaves_its_address_to_the_next_one_although_a_start_hangs_s41e_s41f_s61c() {
    let director = Director::new();
    let mut app = Upgradable::run(&director, "blocking", &[]);
    let (address, runner) = (app.host.address().await, runner_of(&app).await);
    let program = copy(&app);
    let Some(held) = HeldProgram::hold(&program).await else { return };
    app.deploy(&program);
    runner.signal(Signal::KILL);
    let hung = held.process().await;
    app.host.signal(Signal::TERM);
    app.host.stderr.line("told to stop by SIGTERM").await;
    assert_eq!(app.host.insist(Signal::TERM).await, Some(130));
    hung.ended().await;
    let bound = async {
        while TcpListener::bind(address).is_err() {
            tokio::task::yield_now().await;
        }
    };
    within("the address to be free", bound).await;
}

#[tokio::test]
#[ignore = "holds the execution of a program, so it needs root"]
async fn a_start_that_takes_as_long_as_the_startup_timeout_is_killed_and_a_later_one_succeeds_s61d_s61e() {
    let directory = tempfile::tempdir().unwrap();
    let server = directory.path().join("server");
    let python = concat!(env!("CARGO_MANIFEST_DIR"), "/../fal-host/tests/server.py");
    // By another process: this one may be forking, and a program that is open for writing does not start.
    let script =
        format!("printf '#!/bin/sh\nexec python3 {python}\n' > {0} && chmod 755 {0}", server.display());
    assert!(std::process::Command::new("sh").args(["-c", &script]).status().unwrap().success());
    let Some(held) = HeldProgram::hold(&server).await else { return };
    let mut command = Command::new(env!("CARGO_BIN_EXE_host_program"));
    command.args([
        "--listen=127.0.0.1:0",
        "--admin=127.0.0.1:0",
        "--control-socket=off",
        "--startup-timeout=1s",
    ]);
    let host = Program::start(command.args(["--runners=2", "--"]).arg(&server));
    let hung = held.process().await;
    let shown = host.shows("/runners").await.json();
    assert_eq!(shown["runners"][1]["awaits_start_of"], 1, "{shown}");
    host.stderr.line("PENDING: has not executed within 1s: its process is killed runner=1").await;
    hung.ended().await;
    host.stderr.line("TERMINATED runner=1 reason=startup_timeout").await;
    drop(held);
    host.stderr.lines("IDLE: takes requests", 2).await;
}

#[tokio::test]
#[ignore = "holds the execution of a program, so it needs root"]
async fn a_host_serves_replaces_and_stops_while_the_start_of_the_next_one_hangs_s92a_s92c() {
    let director = Director::new();
    let mut app = Upgradable::run(&director, "blocking", &[]);
    let runner = runner_of(&app).await;
    let program = copy(&app);
    let Some(held) = HeldProgram::hold(&program).await else { return };
    let meanwhile = async {
        let hung = held.process().await;
        runner.signal(Signal::KILL);
        app.host.stderr.line("IDLE: takes requests runner=2").await;
        let response = app.host.call("served").await;
        director.call("served").await.succeed().await;
        assert_eq!(response.response().await.status, 200);
        app.host.signal(Signal::TERM);
        hung.ended().await;
    };
    let arguments = [program.to_str().unwrap()];
    let (why, ()) = tokio::join!(app.fail(&arguments), meanwhile);
    assert!(why.contains("the host is stopping"), "{why}");
    assert_eq!(app.host.exit().await, Some(0));
}
