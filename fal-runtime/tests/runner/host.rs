//! What a host does with a runner, by hand.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::thread::JoinHandle;
use std::time::Duration;

use fal_health::protocol::{Assignment, ListenAddress};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use serde_json::Value;
use tempfile::TempDir;

/// Set in every process that these tests start.
pub(crate) const IS_RUNNER: &str = "FIXTURE_IS_RUNNER";

/// How long a test waits for what does not come.
const DEADLINE: Duration = Duration::from_secs(60);

/// The test binary, to run the function `runner` only.
pub(crate) fn this_program() -> std::io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--exact", "runner", "--nocapture", "--test-threads=1"]).env(IS_RUNNER, "1");
    Ok(command)
}

/// A runner, its control channel and what it prints.
pub(crate) struct Runner {
    child: Child,
    channel: BufReader<UnixStream>,
    marks: BufReader<UnixStream>,
    /// Reads what it says on standard error, so that it never waits for that.
    errors: JoinHandle<String>,
    directory: TempDir,
}

/// How a runner ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) signal: Option<i32>,
    /// What it marked that the test had not read.
    pub(crate) marks: Vec<String>,
    pub(crate) errors: String,
}

fn pair() -> (UnixStream, OwnedFd) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    ours.set_read_timeout(Some(DEADLINE)).unwrap();
    (ours, theirs.into())
}

impl Runner {
    /// Starts `app` with `FIXTURE` set to what it shall do.
    pub(crate) fn start(app: &str, fixture: &str, grace: Duration) -> Self {
        let directory = TempDir::new().unwrap();
        let mut assignment =
            Assignment::new(std::process::id(), ListenAddress::Unix(directory.path().join("socket")));
        assignment.app = Some(app.to_owned());
        assignment.grace_period = Some(grace);
        let mut command = this_program().unwrap();
        command.envs(assignment.variables()).env("FIXTURE", fixture);
        Self::start_by(command, directory)
    }

    pub(crate) fn start_by(command: Command, directory: TempDir) -> Self {
        Self::start_on(pair(), command, directory)
    }

    /// As if the host had gone before the process did anything.
    pub(crate) fn start_orphaned(command: Command) -> Self {
        let (_, stdin) = pair();
        let (never_used, _) = pair();
        Self::start_on((never_used, stdin), command, TempDir::new().unwrap())
    }

    fn start_on((channel, stdin): (UnixStream, OwnedFd), mut command: Command, directory: TempDir) -> Self {
        let ((marks, stdout), (errors, stderr)) = (pair(), pair());
        let child = command.stdin(stdin).stdout(stdout).stderr(stderr).process_group(0).spawn().unwrap();
        // The command holds the child's ends.
        drop(command);
        let (channel, marks) = (BufReader::new(channel), BufReader::new(marks));
        let errors = std::thread::spawn(move || {
            let mut text = String::new();
            let _ = (&errors).read_to_string(&mut text);
            text
        });
        Self { child, channel, marks, errors, directory }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.path().join("socket")
    }

    /// The next thing that it reports; null when it has closed the channel. Its metrics come at any time, and are left out.
    pub(crate) fn report(&mut self) -> Value {
        loop {
            let mut line = String::new();
            self.channel.read_line(&mut line).unwrap();
            let report = if line.is_empty() { Value::Null } else { serde_json::from_str(&line).unwrap() };
            if report.get("metrics").is_none() {
                return report;
            }
        }
    }

    #[track_caller]
    pub(crate) fn wait_for_mark(&mut self, mark: &str) {
        let next = next_mark(&mut self.marks);
        assert_eq!(next.as_deref(), Some(mark));
    }

    /// Waits until it is ready, its setup done.
    #[track_caller]
    pub(crate) fn wait_until_ready(&mut self) {
        assert_eq!(self.report(), serde_json::json!({ "ready": { "protocol": 1 } }));
        self.wait_for_mark("setup");
        self.wait_for_mark("setup dropped");
    }

    /// Sends a request on a connection of its own.
    pub(crate) fn send(&self, path: &str) -> Client {
        let mut client = Client::connect(self.socket());
        client.send(path);
        client
    }

    pub(crate) fn terminate(&self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
    }

    /// Changes how many processes its user may have, which this user may do.
    pub(crate) fn limit_processes(&self, user: u32, count: u64) {
        let mut command = Command::new("prlimit");
        command.arg(format!("--pid={}", self.child.id())).arg(format!("--nproc={count}:"));
        assert!(command.uid(user).gid(user).status().unwrap().success());
    }

    /// Suspends it, and waits until it is.
    #[cfg(target_os = "linux")]
    pub(crate) fn suspend(&self) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::STOP).unwrap();
        let stopped =
            waitid(WaitId::Pid(pid), WaitIdOptions::STOPPED | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
        assert!(stopped.unwrap().unwrap().stopped());
    }

    /// Waits until it has ended, with everything that holds its standard output.
    pub(crate) fn ended(mut self) -> Ended {
        let marks = std::iter::from_fn(|| next_mark(&mut self.marks)).collect();
        let status = self.child.wait().unwrap();
        Ended { code: status.code(), signal: status.signal(), marks, errors: self.errors.join().unwrap() }
    }

    /// Goes, as a host does that is killed, and waits as [`ended`](Self::ended).
    pub(crate) fn abandoned(mut self) -> Ended {
        // The rest in the channel is not read.
        let (gone, _) = UnixStream::pair().unwrap();
        self.channel = BufReader::new(gone);
        self.ended()
    }
}

fn next_mark(marks: &mut impl BufRead) -> Option<String> {
    loop {
        let mut line = String::new();
        if marks.read_line(&mut line).unwrap() == 0 {
            return None;
        }
        // The test binary's own lines may stand before it.
        if let Some((_, mark)) = line.split_once("mark ") {
            return Some(mark.trim_end().to_owned());
        }
    }
}

/// One connection to a runner.
pub(crate) struct Client(BufReader<UnixStream>);

impl Client {
    pub(crate) fn connect(socket: PathBuf) -> Self {
        let stream = UnixStream::connect(socket).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        Self(BufReader::new(stream))
    }

    pub(crate) fn send(&mut self, path: &str) {
        let request = format!("POST {path} HTTP/1.1\r\nhost: runner\r\ncontent-length: 0\r\n\r\n");
        self.0.get_mut().write_all(request.as_bytes()).unwrap();
    }

    /// Sends bytes as they are.
    pub(crate) fn write(&mut self, bytes: &str) {
        self.0.get_mut().write_all(bytes.as_bytes()).unwrap();
    }

    /// Waits until the runner asks for the body of a request with `expect: 100-continue`: its call has begun.
    pub(crate) fn wait_for_continue(&mut self) {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(self.0.read_line(&mut head).unwrap(), 0, "the connection ended after {head:?}");
        }
        assert!(head.starts_with("HTTP/1.1 100 "), "{head}");
    }

    /// Will not send any more, as a host says that abandons a request.
    pub(crate) fn leave(&mut self) {
        self.0.get_mut().shutdown(Shutdown::Write).unwrap();
    }

    /// Whether the runner has closed the connection; waits until it has or sends something.
    pub(crate) fn is_closed(&mut self) -> bool {
        self.0.fill_buf().is_ok_and(<[u8]>::is_empty)
    }

    /// The head of the response and its body.
    pub(crate) fn response(&mut self) -> (String, String) {
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let start = head.len();
            assert_ne!(self.0.read_line(&mut head).unwrap(), 0, "the connection ended after {head:?}");
            let line = head[start..].trim_end();
            if let Some(text) = line.strip_prefix("content-length: ") {
                length = text.parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        (head, String::from_utf8(body).unwrap())
    }

    /// So many bytes.
    pub(crate) fn exactly(&mut self, length: usize) -> String {
        let mut bytes = vec![0; length];
        self.0.read_exact(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// The text that an endpoint answered.
    #[track_caller]
    pub(crate) fn answer(&mut self) -> String {
        let (head, body) = self.response();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}{body}");
        serde_json::from_str(&body).unwrap()
    }
}
