//! A program in its own process, and its output.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::process::Stdio;
use std::time::Duration;

use fal_tests::end_with_test;
use rustix::io::ioctl_fionread;
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, kill_process_group, prlimit};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};

use super::client::TOKEN;
use super::{Client, Director, History, Pending, Request, Response, within};

/// A program of this package in its own process group, as a shell runs it. Dropping this kills it.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    pub(crate) stdout: History<String>,
    pub(crate) stderr: History<String>,
    /// The pipes of its streams.
    pipes: Vec<OwnedFd>,
}

/// The fixture's command line.
pub(crate) fn fixture(director: &Director) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fixture"));
    let (name, value) = director.environment();
    command.env(name, value);
    command
}

/// The output and exit of a program that has ended.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a program to its end.
pub(crate) async fn output(command: &mut Command) -> Output {
    let output = within("the program to end", command.stdin(Stdio::null()).kill_on_drop(true).output()).await;
    let output = output.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Output { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

impl Program {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self::start_with(command, Stdio::null())
    }

    pub(crate) fn start_with(command: &mut Command, stdin: Stdio) -> Self {
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        end_with_test(command.as_std_mut());
        Self::of(command.process_group(0).kill_on_drop(true).spawn().unwrap())
    }

    /// Reads the streams of a program that are pipes.
    pub(crate) fn of(mut child: Child) -> Self {
        let (stdout, stderr, mut pipes) = (History::default(), History::default(), Vec::new());
        if let Some(output) = child.stdout.take() {
            pipes.push(output.as_fd().try_clone_to_owned().unwrap());
            tokio::spawn(read(output, stdout.clone()));
        }
        if let Some(output) = child.stderr.take() {
            pipes.push(output.as_fd().try_clone_to_owned().unwrap());
            tokio::spawn(read(output, stderr.clone()));
        }
        Self { child, stdout, stderr, pipes }
    }

    /// The fixture as a host, with ports that the system chooses.
    pub(crate) fn run<A: AsRef<OsStr>>(director: &Director, arguments: &[A]) -> Self {
        let mut command = fixture(director);
        command.env("FAL_ADMIN_TOKEN", TOKEN).args([
            "run",
            "--listen",
            "127.0.0.1:0",
            "--admin",
            "127.0.0.1:0",
            "--check-interval",
            "50ms",
        ]);
        Self::start(command.args(arguments))
    }

    /// The address for requests that it prints.
    pub(crate) async fn address(&self) -> SocketAddr {
        authority(&self.stdout.line("serves on http://").await)
    }

    /// The address of the admin interface that it prints.
    pub(crate) async fn admin(&self) -> SocketAddr {
        authority(&self.stdout.line("runners are shown on http://").await)
    }

    /// The address of the probes that it prints.
    pub(crate) async fn probes(&self) -> SocketAddr {
        authority(&self.stdout.line("probes are answered on http://").await)
    }

    /// Sends a request and waits for the response.
    pub(crate) async fn exchange(&self, request: &Request) -> Response {
        Client::tcp(self.address().await).await.exchange(request).await
    }

    /// Sends a call that the director knows by this name.
    pub(crate) async fn call(&self, name: &str) -> Pending {
        Pending::new(self.address().await, &Request::call(name)).await
    }

    /// The response of its admin interface.
    pub(crate) async fn shows(&self, path: &str) -> Response {
        Client::tcp(self.admin().await).await.exchange(&Request::get(path)).await
    }

    /// Waits until its list of runners is so, and returns it.
    pub(crate) async fn shows_when(&self, is_so: impl Fn(&Value) -> bool) -> Value {
        let looking = async {
            loop {
                let shown = self.shows("/runners").await.json();
                if is_so(&shown) {
                    return shown;
                }
            }
        };
        within("the list of runners to change", looking).await
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Sends SIGINT to the whole process group, as a terminal does at Ctrl-C.
    pub(crate) fn interrupt(&self) {
        kill_process_group(self.pid(), Signal::INT).unwrap();
    }

    /// Sets how many descriptors it may have open, and returns the limit before; `None` is no limit.
    pub(crate) fn limit_descriptors(&self, limit: Option<u64>) -> Option<u64> {
        let maximum = getrlimit(Resource::Nofile).maximum;
        prlimit(Some(self.pid()), Resource::Nofile, Rlimit { current: limit, maximum }).unwrap().current
    }

    /// Waits for its end, and until everything that it has written is read. Returns `None` if a signal has ended it.
    pub(crate) async fn exit(&mut self) -> Option<i32> {
        let status = within("the program to end", self.child.wait()).await.unwrap();
        let read = async {
            // Other processes may still have its streams, so they may have no end.
            while self.pipes.iter().any(|pipe| ioctl_fionread(pipe).unwrap() > 0) {
                tokio::task::yield_now().await;
            }
        };
        within("its output to be read", read).await;
        status.code()
    }

    /// Sends a signal repeatedly until it ends. A signal too soon after another counts as the same.
    pub(crate) async fn insist(&mut self, signal: Signal) -> Option<i32> {
        let again = Duration::from_millis(10);
        let ended = async {
            loop {
                self.signal(signal);
                if let Ok(ended) = tokio::time::timeout(again, self.child.wait()).await {
                    return ended;
                }
            }
        };
        within("the program to end", ended).await.unwrap().code()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.id().try_into().unwrap()).unwrap()
    }
}

impl History<String> {
    /// Waits for a line that contains all these words.
    pub(crate) async fn line(&self, words: &str) -> String {
        self.lines(words, 1).await
    }

    /// Waits for the n-th such line, from 1.
    pub(crate) async fn lines(&self, words: &str, nth: usize) -> String {
        let has_all = |line: &&String| words.split(' ').all(|word| line.contains(word));
        let find = |lines: &mut Vec<String>| lines.iter().filter(has_all).nth(nth - 1).cloned();
        self.find(&format!("line {nth} with {words:?}"), find).await
    }

    /// All lines so far.
    pub(crate) fn text(&self) -> String {
        self.look().join("\n")
    }
}

async fn read(output: impl AsyncRead + Unpin, lines: History<String>) {
    let mut read = BufReader::new(output).lines();
    while let Ok(Some(line)) = read.next_line().await {
        lines.add(line);
    }
}

fn authority(line: &str) -> SocketAddr {
    let (_, rest) = line.split_once("http://").unwrap();
    rest.split(['/', ' ']).next().unwrap().parse().unwrap()
}
