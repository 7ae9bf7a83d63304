//! Runners whose user may have few processes, and so threads (S101).

#![expect(clippy::unused_self, reason = "the functions of an app have the shapes that apps have")]

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use fal_health::protocol::Assignment;
use fal_runtime::prelude::*;
use rustix::process::{Resource, Rlimit, setrlimit};
use tempfile::TempDir;

use crate::fixture::mark;
use crate::host::{Runner, this_program};

/// An app all of whose functions block.
#[derive(Default)]
struct Blocking;

#[app]
impl Blocking {
    fn handle_exit(&self) {
        mark("handle_exit");
    }

    fn teardown(self) {
        mark("teardown");
    }

    #[endpoint("/work")]
    fn work(&self) -> &'static str {
        "done"
    }

    #[endpoint("/read")]
    async fn read(&self) -> Result<usize> {
        Ok(tokio::fs::read("/proc/self/stat").await?.len())
    }

    #[endpoint("/health", health_check = HealthCheck)]
    fn health(&self) -> &'static str {
        "healthy"
    }
}

/// A runner of `Blocking`, whose user has no other processes, and may have so many.
fn limited(user: u32, processes: u64) -> Runner {
    let directory = TempDir::new().unwrap();
    std::fs::set_permissions(directory.path(), Permissions::from_mode(0o777)).unwrap();
    let program = directory.path().join("program");
    // By another process. A program that this one has written to cannot be started while a child of another test, which has not
    // begun its own program yet, keeps the file open (ETXTBSY).
    let copied = Command::new("cp").arg(std::env::current_exe().unwrap()).arg(&program).status().unwrap();
    assert!(copied.success());
    let this_program = this_program().unwrap();
    let mut command = Command::new(program);
    command
        .args(this_program.get_args())
        .envs(this_program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let listen = format!("unix:{}", directory.path().join("socket").display());
    let mut assignment = Assignment::new(std::process::id(), listen.parse().unwrap());
    assignment.app = Some("blocking".to_owned());
    command.envs(assignment.variables()).uid(user).gid(user);
    let limit = Rlimit { current: Some(processes), maximum: Some(processes) };
    let set = move || setrlimit(Resource::Nproc, limit).map_err(Into::into);
    #[expect(unsafe_code, reason = "nothing else runs between fork and exec")]
    // SAFETY: the closure makes one system call. It does not allocate or lock.
    unsafe {
        command.pre_exec(set);
    }
    Runner::start_by(command, directory)
}

/// Its calls, its checks and its stop need no thread that it does not have.
#[track_caller]
fn serves_and_stops(runner: Runner) {
    for path in ["/work", "/read", "/health", "/work"] {
        let (head, body) = runner.send(path).response();
        assert!(head.starts_with("HTTP/1.1 200 "), "{path}: {head}{body}");
    }
    // The thread of a check is free before its answer is read.
    assert_eq!(runner.send("/health").response().1, "\"healthy\"");
    runner.terminate();
    let ended = runner.ended();
    assert_eq!((ended.code, ended.marks), (Some(0), vec!["handle_exit".to_owned(), "teardown".to_owned()]));
    assert!(!ended.errors.contains("thread"), "{}", ended.errors);
}

#[test]
#[ignore = "becomes a user without other processes, so it needs root"]
fn a_runner_with_few_threads_serves_or_tells_the_host_why_it_does_not_s36c_s101b() {
    let mut refused = 0;
    for processes in 1.. {
        let mut runner = limited(54_321, processes);
        let report = runner.report();
        if report.get("ready").is_some() {
            serves_and_stops(runner);
            break;
        }
        // With very few, the program does not come as far as to be a runner.
        if let Some(failed) = report.get("failed") {
            let error = failed["error"].to_string();
            assert!(error.contains("cannot start a thread: ") && error.contains("ulimit -u"), "{error}");
            assert_eq!(runner.ended().code, Some(1), "{processes} processes");
            refused += 1;
        }
    }
    assert!(refused >= 4, "{refused} of them did not start");
}

#[test]
#[ignore = "becomes a user without other processes, so it needs root"]
fn a_runner_that_gets_no_further_thread_serves_its_calls_and_stops_in_order_s101b() {
    let user = 54_324;
    let mut runner = limited(user, 100);
    assert!(runner.report().get("ready").is_some());
    // Its host checks it when it is ready.
    assert_eq!(runner.send("/health").response().1, "\"healthy\"");
    runner.limit_processes(user, 1);
    serves_and_stops(runner);
}
