//! What an operator reads about a failure: the log, and `explain`. They say what happened, and what to do (S84, S85d).

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use fal_tests::end_with_test;

use super::directory;

/// A deadline that only a failure of the test reaches.
const GUARD: Duration = Duration::from_secs(60);

/// A host whose server fails.
struct Failing {
    child: Child,
    directory: tempfile::TempDir,
    log: Receiver<String>,
    seen: Vec<String>,
    /// The connections of requests that get no response.
    clients: Vec<TcpStream>,
}

impl Failing {
    fn start(options: &str, mode: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut command = program();
        command
            .args(["--admin=off", "--check-interval=500ms"])
            .args(["--start-period=0s", "--failure-threshold=1", "--drain-timeout=1s", "--grace-period=1s"])
            .arg(format!("--control-socket={}", directory.path().join("socket").display()))
            .args(options.split_whitespace())
            .args(["--", "python3"])
            .arg(self::directory().join("servers/failing.py"))
            .env("FAL_LISTEN", "127.0.0.1:0")
            .env("FAL_HEALTH", "GET:/health")
            .env("MODE", mode)
            .env("FLAG", directory.path().join("flag"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = end_with_test(&mut command).spawn().unwrap();
        let (sender, log) = mpsc::channel();
        for output in [
            Box::new(child.stdout.take().unwrap()) as Box<dyn Read + Send>,
            Box::new(child.stderr.take().unwrap()),
        ] {
            let sender = sender.clone();
            let lines = BufReader::new(output).lines().map_while(Result::ok);
            thread::spawn(move || lines.for_each(|line| drop(sender.send(line))));
        }
        Self { child, directory, log, seen: Vec::new(), clients: Vec::new() }
    }

    /// Waits for a line of the log with all of these, also one before.
    fn line(&mut self, parts: &[&str]) -> String {
        let has_all = |line: &&String| parts.iter().all(|part| line.contains(part));
        if let Some(line) = self.seen.iter().find(has_all) {
            return line.clone();
        }
        loop {
            let line = self.log.recv_timeout(GUARD);
            let line = line.unwrap_or_else(|_| panic!("{parts:?} is logged: {:#?}", self.seen));
            self.seen.push(line.clone());
            if has_all(&&line) {
                return line;
            }
        }
    }

    fn address(&mut self) -> SocketAddr {
        let line = self.line(&["serves on http://"]);
        line.split("http://").nth(1).and_then(|rest| rest.split(' ').next()).unwrap().parse().unwrap()
    }

    /// Sends something, and does not wait for a response.
    fn send(&mut self, message: &str) {
        let mut client = TcpStream::connect(self.address()).unwrap();
        client.write_all(message.as_bytes()).unwrap();
        self.clients.push(client);
    }

    fn get(&mut self, path: &str) {
        self.send(&format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"));
    }

    /// Waits for the response to the last request.
    fn response(&mut self) -> String {
        let mut response = String::new();
        // A host that ends the connection has answered enough.
        let _ = self.clients.last_mut().unwrap().read_to_string(&mut response);
        response
    }

    fn fail_all(&self) {
        std::fs::write(self.directory.path().join("flag"), "").unwrap();
    }

    /// What a subcommand prints.
    fn operate(&self, subcommand: &[&str]) -> String {
        let mut command = program();
        command.args(subcommand).arg("--socket").arg(self.directory.path().join("socket"));
        let output = command.output().unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    }

    /// The explanation of a runner has all of these.
    fn explains(&self, runner: &str, parts: &[&str]) {
        let text = self.operate(&["explain", runner]);
        println!("{text}");
        let missing: Vec<_> = parts.iter().filter(|part| !text.contains(**part)).collect();
        assert!(missing.is_empty(), "{missing:?} is in {text}");
    }
}

impl Drop for Failing {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_host_program"))
}

/// Sends a request that ends a runner.
fn ended_by(path: &str, log: &[&str], explanation: &[&str]) {
    let mut host = Failing::start("", "");
    host.line(&["IDLE", "runner=1"]);
    host.get(path);
    host.line(&[&["TERMINATED", "runner=1"], log].concat());
    host.line(&["WARN", "closed the connection", path]);
    host.explains("1", explanation);
}

#[test]
#[ignore = "needs python3"]
fn an_exit_has_its_status_and_the_request_that_it_lost() {
    ended_by(
        "/exit",
        &["reason=exited", "exit=status 3"],
        &["ended by itself", "exited with status 3", "the requests that it lost"],
    );
}

#[test]
#[ignore = "needs python3"]
fn a_crash_has_the_name_of_its_signal() {
    ended_by("/crash", &["exit=signal 11 (SIGSEGV)"], &["signal 11 (SIGSEGV)", "the requests that it lost"]);
}

#[test]
#[ignore = "needs python3"]
fn a_failed_start_has_what_the_program_printed_last() {
    let mut host = Failing::start("--give-up-after=never", "import");
    host.line(&["TERMINATED", "runner=2", "reason=setup_failed"]);
    host.explains("2", &["status 1", "No module named 'no_such_module'"]);
    host.line(&["CRASH_BACKOFF", "runner=3"]);
    host.explains(
        "3",
        &["The last 2 starts", "runner 2, which ended as `setup_failed`", "`explain 2` says more"],
    );
}

#[test]
#[ignore = "needs python3"]
fn a_server_that_does_not_listen_or_listens_elsewhere_is_told_where_it_should() {
    let mut host = Failing::start("--startup-timeout=6s", "deaf");
    host.line(&["does not listen on any port yet: it still starts, or", "PORT"]);
    host.explains("1", &["does not listen on any port yet"]);
    host.line(&["TERMINATED", "runner=1", "reason=startup_timeout", "does not listen on any port yet"]);
    host.explains("1", &["not ready within 6s", "does not listen on any port yet", "--startup-timeout"]);
    let mut host = Failing::start("", "elsewhere");
    host.line(&["the runner listens on 127.0.0.1:", "expected 127.0.0.1:"]);
    host.explains("1", &["is SETUP", "the runner listens on 127.0.0.1:", "the environment variable PORT"]);
}

#[test]
#[ignore = "needs python3"]
fn a_check_that_hangs_or_has_the_wrong_path_says_what_to_change() {
    let mut host = Failing::start("--timeout=1s", "");
    host.line(&["IDLE", "runner=1"]);
    host.get("/hang");
    host.line(&["TERMINATED", "runner=1", "reason=unhealthy"]);
    host.explains("1", &["of GET /health at", "`timeout`", "blocking work", "--timeout"]);
    let mut host = Failing::start("--health=GET:/healthz --give-up-after=never", "");
    host.line(&["TERMINATED", "runner=1", "reason=unhealthy"]);
    host.explains("1", &["of GET /healthz at", "status 404", "with `--health`", "never took requests"]);
}

#[test]
#[ignore = "needs python3"]
fn an_outage_of_a_dependency_is_told_as_one_of_all_replicas() {
    let mut host = Failing::start("--runners=3", "");
    for _ in 0..3 {
        host.line(&["IDLE"]);
    }
    host.operate(&["wait"]);
    host.fail_all();
    host.line(&["health check failed", "runner=1", "redis at 10.0.0.5"]);
    host.line(&["health check failed", "runner=2", "redis at 10.0.0.5"]);
    host.line(&["health check failed", "runner=3", "redis at 10.0.0.5"]);
    host.line(&["replacement deferred"]);
    let table = host.operate(&["runners"]);
    assert!(table.contains("replacement deferred"), "{table}");
    for runner in ["1", "2", "3"] {
        host.explains(
            runner,
            &["status 503: \"redis at 10.0.0.5:6379 refuses", "2 other replicas have the same finding"],
        );
    }
}

#[test]
#[ignore = "needs python3"]
fn a_wedged_runner_has_the_request_that_it_hangs_in() {
    let mut host = Failing::start("--wedged-after=1s", "");
    host.line(&["IDLE", "runner=1"]);
    host.get("/slow");
    host.line(&["health check failed", "outcome=wedged", "GET /slow"]);
    host.line(&["TERMINATED", "runner=1", "reason=unhealthy"]);
    host.explains("1", &["`wedged`", "the oldest request is GET /slow with the id", "request_timeout"]);
}

#[test]
#[ignore = "needs python3"]
fn a_server_whose_listener_is_closed_says_why_checks_have_passed() {
    let mut host = Failing::start("--max-multiplexing=4", "");
    host.line(&["IDLE", "runner=1"]);
    host.get("/close");
    host.response();
    // It takes the connection that is open, so the next one needs a new one.
    host.get("/slow");
    host.get("/");
    host.line(&["TERMINATED", "runner=1"]);
    host.explains("1", &["refused the connection", "accepts no new connections", "checks may have passed"]);
}

#[test]
#[ignore = "needs python3"]
fn a_port_that_is_taken_is_named_with_the_option() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let mut host = Failing::start(&format!("--listen={address}"), "");
    host.line(&["error: ", &address.to_string(), "--listen"]);
}

#[test]
#[ignore = "needs python3"]
fn a_full_queue_and_a_long_wait_name_the_path_that_holds_the_permits() {
    let mut host = Failing::start("--queue=1 --queue-timeout=1s", "");
    host.line(&["IDLE", "runner=1"]);
    for _ in 0..3 {
        host.get("/slow");
    }
    host.line(&[
        "a request is refused",
        "queue_full",
        "1 of 1 permits are held",
        "/slow (1)",
        "--runners",
        "--queue",
    ]);
    host.line(&["a request is refused", "queue_timeout", "/slow (1)", "--queue-timeout"]);
    host.explains("1", &["1 request in flight", "oldest request is GET /slow"]);
}

#[test]
#[ignore = "needs python3"]
fn a_slow_upload_names_the_option_of_its_limit() {
    let mut host = Failing::start("--client-timeout=1s", "");
    host.line(&["IDLE", "runner=1"]);
    host.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nhello");
    host.line(&["client_timeout", "--client-timeout"]);
    assert!(host.response().contains("client_timeout"));
}

#[test]
#[ignore = "needs python3"]
fn a_limit_has_its_numbers() {
    let mut host = Failing::start("--max-memory=60M", "");
    host.line(&["IDLE", "runner=1"]);
    host.get("/leak");
    host.line(&["will be replaced", "reason=memory", "MiB of resident memory, and its limit is"]);
    host.line(&["TERMINATED", "runner=1"]);
    host.explains("1", &["--max-memory", "MiB of resident memory, and its limit is", "up to a tenth below"]);
    let mut host = Failing::start("--max-age=2s", "");
    host.line(&["TERMINATED", "runner=1", "reason=age"]);
    host.explains("1", &["--max-age", "old, and its limit is 1."]);
    let mut host = Failing::start("--max-requests=2", "");
    host.line(&["IDLE", "runner=1"]);
    for _ in 0..2 {
        host.get("/");
        host.response();
    }
    host.line(&["TERMINATED", "runner=1", "reason=requests"]);
    host.explains("1", &["--max-requests", "requests, which is its limit"]);
}

#[test]
#[ignore = "needs python3"]
fn a_rolling_restart_that_fails_leads_to_the_runner_that_failed() {
    let mut host = Failing::start("", "bad-version");
    host.line(&["IDLE", "runner=1"]);
    host.fail_all();
    let printed = host.operate(&["restart", "--wait"]);
    assert!(
        printed.contains("failed with `setup_failed`") && printed.contains("`explain 2` says more"),
        "{printed}"
    );
    host.line(&["rolling restart ends", "`explain 2` says more"]);
    host.explains(
        "2",
        &["a new runner of a rolling restart, which ended with it", "the new version needs a database"],
    );
}

#[test]
#[ignore = "needs python3"]
fn a_host_that_gives_up_has_the_last_error_as_its_last_line() {
    let mut host = Failing::start("", "import");
    host.line(&["error: gave up after 5 failed starts", "status 1", "No module named 'no_such_module'"]);
    assert_eq!(host.child.wait().unwrap().code(), Some(4));
}
