//! The program `fal-host` with servers that know nothing of it.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod directory;
#[path = "../../../tests/end_with_test.rs"]
pub mod end_with_test;
mod listening;

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use end_with_test::end_with_test;
use rustix::process::{Pid, Signal, kill_process};

/// A deadline that only a failure reaches.
const GUARD: Duration = Duration::from_secs(60);

/// Checks that come soon, and count from the start.
const CHECKED: [&str; 4] =
    ["--health=POST:/health", "--start-period=0s", "--timeout=60s", "--check-interval=50ms"];

/// Checks that come only where something asks for one.
const ON_REQUEST: [&str; 3] = ["--health=POST:/health", "--timeout=60s", "--manual-only"];

/// A `fal-host` that serves. Its end kills it.
struct Program {
    child: Child,
    address: SocketAddr,
    log: Receiver<String>,
    said: Vec<String>,
}

impl Program {
    fn start(options: &[&str], command: &[&str]) -> Self {
        Self::of(Command::new(env!("CARGO_BIN_EXE_fal-host")), options, command)
    }

    /// With other limits of the shell's than this process has.
    fn limited(limits: &str, command: &[&str]) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!(r#"{limits} && exec "$0" "$@""#), env!("CARGO_BIN_EXE_fal-host")]);
        Self::of(shell, &[], command)
    }

    fn of(mut host: Command, options: &[&str], command: &[&str]) -> Self {
        host.args(["--listen=127.0.0.1:0", "--admin=off"])
            .args(options)
            .arg("--")
            .args(command)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = end_with_test(&mut host).spawn().unwrap();
        let log = lines(child.stderr.take().unwrap());
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split("http://").nth(1).and_then(|rest| rest.split(' ').next());
        let address = address.unwrap_or_else(|| {
            panic!("{line:?} says where it serves: {:#?}", log.iter().collect::<Vec<_>>());
        });
        let address = address.parse().unwrap();
        Self { child, address, log, said: Vec::new() }
    }

    fn python(options: &[&str]) -> Self {
        Self::start(options, &["python3", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/server.py")])
    }

    /// The status and the body of what a request is answered with.
    fn request(&self, request: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(GUARD)).unwrap();
        write!(stream, "{request} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// The process that serves, and where it listens itself.
    fn server(&self) -> (String, SocketAddr) {
        let (status, body) = self.request("GET /");
        assert_eq!(status, 200, "{body}");
        let (pid, port) = body.split_once(' ').unwrap();
        (pid.to_owned(), SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap())))
    }

    /// Waits until a line of the log has all of these in it, and returns the first that has.
    fn said(&mut self, parts: &[&str]) -> String {
        let says = |line: &String| parts.iter().all(|part| line.contains(part));
        loop {
            if let Some(found) = self.said.iter().find(|line| says(line)) {
                return found.clone();
            }
            let line = self.log.recv_timeout(GUARD);
            self.said.push(line.unwrap_or_else(|_| panic!("{parts:?} is printed: {:#?}", self.said)));
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn ended(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It has ended already, where a test waited for that.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(stderr: ChildStderr) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// A connection to a server itself, past its host.
struct Witness {
    connection: TcpStream,
    address: SocketAddr,
}

impl Witness {
    fn of(address: SocketAddr) -> Self {
        Self { connection: TcpStream::connect(address).unwrap(), address }
    }

    /// Waits until the server has exited.
    fn gone(mut self) {
        self.connection.set_read_timeout(Some(GUARD)).unwrap();
        match self.connection.read(&mut [0]) {
            Ok(0) => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
            other => panic!("the server lives: {other:?}"),
        }
        // An ending process closes what it has one after another.
        let deadline = Instant::now() + GUARD;
        while TcpStream::connect(self.address).is_ok() {
            assert!(Instant::now() < deadline, "a process still listens");
            thread::yield_now();
        }
    }
}

#[test]
#[ignore = "needs python3"]
fn a_python_server_becomes_ready_serves_and_is_replaced_when_it_fails_its_checks_s24_s35a() {
    let mut host = Program::python(&CHECKED);
    let (first, _) = host.server();
    assert_eq!(host.request("POST /break"), (200, "broken".to_owned()));
    host.said(&["TERMINATED", "runner=1", "reason=unhealthy", "signal 15"]);
    let (second, address) = host.server();
    assert_ne!(first, second);
    let witness = Witness::of(address);
    host.signal(Signal::TERM);
    assert_eq!(host.ended().code(), Some(0));
    witness.gone();
}

#[test]
#[ignore = "needs python3"]
fn no_server_outlives_a_host_that_is_killed_s41f() {
    let mut host = Program::python(&[]);
    let (_, address) = host.server();
    let witness = Witness::of(address);
    host.signal(Signal::KILL);
    host.ended();
    witness.gone();
}

#[test]
#[ignore = "needs python3"]
fn a_request_that_takes_too_long_has_its_runner_checked_and_replaced_s25_s38f() {
    let mut host =
        Program::python(&[&ON_REQUEST[..], &["--max-multiplexing=2", "--request-timeout=1s"]].concat());
    host.request("POST /break");
    let (status, body) = host.request("GET /hang");
    assert_eq!(status, 504);
    assert!(body.contains(r#""error_type":"request_timeout""#), "{body}");
    host.said(&["TERMINATED", "runner=1", "reason=manual_check_failed"]);
    host.server();
}

#[test]
#[ignore = "needs python3"]
fn sighup_replaces_every_server_one_after_another() {
    let mut host = Program::python(&["--runners=2"]);
    for runner in ["runner=1", "runner=2"] {
        host.said(&["IDLE", runner]);
    }
    host.signal(Signal::HUP);
    for runner in ["runner=1", "runner=2"] {
        host.said(&["TERMINATED", runner, "reason=restarted"]);
    }
    host.server();
}

#[test]
fn a_program_that_never_listens_is_replaced_at_the_startup_timeout_s35c() {
    let mut host = Program::start(&["--startup-timeout=1s"], &["sleep", "1000"]);
    host.said(&["SETUP: started", "runner=2"]);
    host.said(&["TERMINATED", "runner=1", "reason=startup_timeout", "signal 15"]);
}

/// Says how many files it may have open.
const TELLS: [&str; 3] = ["sh", "-c", "echo limits $(ulimit -Sn) $(ulimit -Hn); exec sleep 1000"];

#[test]
fn a_host_raises_its_file_limit_and_its_servers_get_the_original_one() {
    let mut host = Program::limited("ulimit -Sn 256 && ulimit -Hn 2000", &TELLS);
    host.said(&["runner 1 |", "limits 256 2000"]);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", host.child.id())).unwrap();
    let limits = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    assert_eq!(limits.split_whitespace().collect::<Vec<_>>(), ["2000", "2000", "files"]);
    assert!(!host.said.iter().any(|line| line.contains("ulimit")), "that is enough: {:#?}", host.said);
}

#[test]
fn a_file_limit_that_is_too_low_is_logged_with_one_that_is_high_enough() {
    // For the host itself, and for its runner and the successor.
    let reserved = 176 + 4 * thread::available_parallelism().unwrap().get() + 2 * (8 + 1);
    let (clients, enough) = (1024_usize.saturating_sub(reserved).max(1024 / 4), 1024 + 1 + reserved);
    let mut host = Program::limited("ulimit -n 1024", &TELLS);
    let [clients, limit] = [format!("clients={clients}"), format!("ulimit -n {enough}")];
    host.said(&["WARN", &clients, &limit, &format!("LimitNOFILE={enough}"), "shorter queue"]);
    let mut host = Program::limited(&limit, &TELLS);
    host.said(&["runner 1 |", &format!("limits {enough} {enough}")]);
    assert!(!host.said.iter().any(|line| line.contains("ulimit")), "that is enough: {:#?}", host.said);
}

#[test]
fn a_server_inherits_neither_descriptors_nor_the_variables_of_a_service_manager() {
    let tells = "echo inherited $(ls -l /proc/$$/fd | grep -c zero) ${NOTIFY_SOCKET-none} ${LISTEN_FDS-none}; \
                 exec sleep 1000";
    let starter = "exec 9</dev/zero && export NOTIFY_SOCKET=/run/notify LISTEN_FDS=1";
    let mut host = Program::limited(starter, &["sh", "-c", tells]);
    host.said(&["runner 1 |", "inherited 0 none none"]);
    let inherited = std::fs::read_link(format!("/proc/{}/fd/9", host.child.id())).unwrap();
    assert_eq!(inherited.to_str(), Some("/dev/zero"), "the host has it");
}

#[test]
fn a_host_that_was_started_with_sighup_ignored_keeps_it_so_and_its_servers_do_not_s60a() {
    let tells = "echo ignored $(grep SigIgn /proc/$$/status); exec sleep 1000";
    let mut host = Program::limited("trap '' HUP", &["sh", "-c", tells]);
    let has_hangup = |mask: &str| u64::from_str_radix(mask.trim(), 16).unwrap() & 1 == 1;
    let line = host.said(&["runner 1 |", "ignored SigIgn:"]);
    assert!(!has_hangup(line.rsplit("SigIgn:").next().unwrap()), "{line}");
    let status = std::fs::read_to_string(format!("/proc/{}/status", host.child.id())).unwrap();
    let mask = |name| has_hangup(status.lines().find_map(|line| line.strip_prefix(name)).unwrap());
    assert!(mask("SigIgn:") && !mask("SigCgt:"), "{status}");
}

#[test]
fn a_child_process_that_a_host_inherits_from_its_shell_outlives_it() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("pid");
    let starter = format!("{{ sleep 1000 <&- >&- 2>&- & echo $! > {}; }}", file.display());
    let mut host = Program::limited(&starter, &["sh", "-c", "echo runs; exec sleep 1000"]);
    host.said(&["runner 1 |", "runs"]);
    let helper: i32 = std::fs::read_to_string(&file).unwrap().trim().parse().unwrap();
    let state = || std::fs::read_to_string(format!("/proc/{helper}/stat")).unwrap_or_default();
    assert!(
        state().split(' ').nth(3) == Some(&host.child.id().to_string()),
        "it is the host's child: {}",
        state()
    );
    host.signal(Signal::TERM);
    assert_eq!(host.ended().code(), Some(0));
    assert!(state().contains("(sleep) S"), "{:?}", state());
    kill_process(Pid::from_raw(helper).unwrap(), Signal::KILL).unwrap();
}

#[test]
fn a_missing_program_is_named_in_the_error() {
    let mut host = Program::start(&[], &["/no/such/program"]);
    host.said(&["TERMINATED", "reason=setup_failed", "/no/such/program could not be started"]);
}

#[test]
fn a_port_in_use_is_an_error_with_advice() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_fal-host"))
        .arg(format!("--listen={}", taken.local_addr().unwrap()))
        .args(["--", "sleep", "1000"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.starts_with("error: cannot listen on 127.0.0.1:"), "{error}");
    assert!(
        error.contains("; another process listens there, often an earlier start of this program"),
        "{error}"
    );
    assert!(error.contains("; stop it, or use another address with `--listen`"), "{error}");
}

#[test]
fn a_process_id_that_cannot_be_written_is_an_error_before_a_runner_starts() {
    let output = Command::new(env!("CARGO_BIN_EXE_fal-host"))
        .args(["--listen=127.0.0.1:0", "--admin=off", "--pid-file=/no/such/directory/app.pid"])
        .args(["--", "sleep", "1000"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.starts_with("error: cannot write the file /no/such/directory/app.pid of `--pid-file`"),
        "{error}"
    );
    assert!(!error.contains("SETUP"), "{error}");
}
