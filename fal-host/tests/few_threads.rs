//! The program `fal-host` where the system gives it few threads (S101).

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../../tests/end_with_test.rs"]
pub mod end_with_test;

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use end_with_test::end_with_test;
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, setrlimit};

/// A deadline that only a failure reaches.
const GUARD: Duration = Duration::from_secs(60);

/// Users without other processes.
const USERS: [u32; 2] = [54_322, 54_323];

/// A host of two Python servers, and its log.
struct Host<'a> {
    directory: &'a Path,
    child: Child,
    log: Receiver<String>,
    said: Vec<String>,
}

impl<'a> Host<'a> {
    /// Its user may have this many processes, and so threads.
    fn limited(directory: &'a Path, user: u32, count: u64) -> Self {
        let mut command = Command::new(directory.join("fal-host"));
        command.args(["--listen=127.0.0.1:0", "--admin=off", "--runners=2", "--control-socket"]);
        command.arg(directory.join("socket")).args(["--", "python3"]).arg(directory.join("server.py"));
        command.uid(user).gid(user).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let limit = Rlimit { current: Some(count), maximum: Some(1_000) };
        let limit = move || setrlimit(Resource::Nproc, limit).map_err(Into::into);
        #[expect(unsafe_code, reason = "nothing else runs between fork and exec")]
        // SAFETY: the closure makes one system call. It does not allocate or lock.
        unsafe {
            command.pre_exec(limit);
        }
        let mut child = end_with_test(&mut command).spawn().unwrap();
        let (sender, log) = mpsc::channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { directory, child, log, said: Vec::new() }
    }

    /// Waits for a line with all parts of one of these. `None` if the host ends before.
    fn says(&mut self, wanted: &[&[&str]]) -> Option<usize> {
        loop {
            let line = match self.log.recv_timeout(GUARD) {
                Ok(line) => line,
                Err(mpsc::RecvTimeoutError::Disconnected) => return None,
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("{wanted:?} is printed: {:#?}", self.said),
            };
            assert!(!line.contains("panicked"), "{line}");
            let found = wanted.iter().position(|parts| parts.iter().all(|part| line.contains(part)));
            self.said.push(line);
            if found.is_some() {
                return found;
            }
        }
    }

    /// Its explanation of a runner, and the process of the runner.
    fn explains(&self, runner: u64) -> (String, Option<Pid>) {
        let mut command = Command::new(self.directory.join("fal-host"));
        command.args(["explain", &runner.to_string(), "--socket"]).arg(self.directory.join("socket"));
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        let process = text.split("process ").nth(1).and_then(|rest| rest.split([')', ',']).next());
        let process = process.and_then(|id| Pid::from_raw(id.parse().ok()?));
        (text, process)
    }

    /// Changes the limit of the host, which its own user may do.
    fn limit(&self, user: u32, count: u64) {
        let mut command = Command::new("prlimit");
        command.arg(format!("--pid={}", self.child.id())).arg(format!("--nproc={count}:1000"));
        assert!(command.uid(user).gid(user).status().unwrap().success());
    }

    fn stop(mut self) -> Vec<String> {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        assert_eq!(self.says(&[]), None);
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
        std::mem::take(&mut self.said)
    }
}

impl Drop for Host<'_> {
    fn drop(&mut self) {
        // It has ended already, unless the test fails.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const IDLE: &[&str] = &["IDLE: takes requests"];
const TOO_MANY: &[&str] = &["python3 could not be started, because this user", "`pids.max`"];

/// One test at a time: a program that another thread still copies while this one forks cannot be started (ETXTBSY).
static ALONE: Mutex<()> = Mutex::new(());

/// A directory that the other user reads and writes, with the host and the server.
fn shared_directory() -> (MutexGuard<'static, ()>, tempfile::TempDir) {
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), Permissions::from_mode(0o777)).unwrap();
    fs::copy(env!("CARGO_BIN_EXE_fal-host"), directory.path().join("fal-host")).unwrap();
    let server = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/server.py");
    fs::copy(server, directory.path().join("server.py")).unwrap();
    (alone, directory)
}

#[test]
#[ignore = "becomes a user without other processes, so it needs root"]
fn a_host_with_few_threads_serves_or_names_the_limits_and_never_panics_s101a() {
    let (_alone, directory) = shared_directory();
    let (mut refused, mut limited) = (0, 0);
    for count in 1.. {
        let mut host = Host::limited(directory.path(), USERS[0], count);
        match host.says(&[IDLE, TOO_MANY]) {
            None => {
                let error = host.said.last().unwrap();
                let parts = ["error: cannot start a thread: ", "`ulimit -u`", "`TasksMax=`", "`pids.max`"];
                assert!(parts.iter().all(|part| error.contains(part)), "{count}: {error}");
                assert_eq!(host.child.wait().unwrap().code(), Some(1));
                refused += 1;
            }
            Some(first) => {
                let second = host.says(&[IDLE, TOO_MANY]).unwrap();
                host.explains(1);
                host.stop();
                if (first, second) == (0, 0) {
                    break;
                }
                limited += 1;
            }
        }
    }
    assert!(refused >= 3 && limited >= 1, "{refused} hosts did not start, {limited} had too few servers");
}

#[test]
#[ignore = "becomes a user without other processes, so it needs root"]
fn a_host_whose_limit_falls_explains_and_goes_on_when_it_is_raised_s101a() {
    let (_alone, directory) = shared_directory();
    let mut host = Host::limited(directory.path(), USERS[1], 100);
    assert_eq!((host.says(&[IDLE]), host.says(&[IDLE])), (Some(0), Some(0)));
    host.limit(USERS[1], 1);
    let (text, process) = host.explains(1);
    assert!(text.contains("IDLE"), "{text}");
    kill_process(process.unwrap(), Signal::KILL).unwrap();
    assert_eq!(host.says(&[TOO_MANY]), Some(0), "its successor is not started");
    host.explains(2);
    host.limit(USERS[1], 100);
    assert_eq!(host.says(&[IDLE]), Some(0), "one is, after the backoff");
    host.stop();
}
