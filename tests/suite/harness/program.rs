use std::ffi::OsStr;
use std::net::SocketAddr;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};

use super::{Client, Director, History, Request, within};

/// A program of this package, run by its command line in a process group of its own, as a shell runs it. It ends with
/// this.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    pub(crate) stdout: History<String>,
    pub(crate) stderr: History<String>,
}

/// The fixture's command line.
pub(crate) fn fixture(director: &Director) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fixture"));
    let (name, value) = director.environment();
    command.env(name, value);
    command
}

impl Program {
    pub(crate) fn start(command: &mut Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.process_group(0).kill_on_drop(true).spawn().unwrap();
        let (stdout, stderr) = (History::default(), History::default());
        tokio::spawn(read(child.stdout.take().unwrap(), stdout.clone()));
        tokio::spawn(read(child.stderr.take().unwrap(), stderr.clone()));
        Self { child, stdout, stderr }
    }

    /// The fixture as a host with ports that the system picks.
    pub(crate) fn run<A: AsRef<OsStr>>(director: &Director, arguments: &[A]) -> Self {
        let mut command = fixture(director);
        command.args([
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

    /// Waits for a line that has these words.
    pub(crate) async fn says(lines: &History<String>, words: &str) -> String {
        let find = |lines: &mut Vec<String>| lines.iter().find(|line| line.contains(words)).cloned();
        lines.find(words, find).await
    }

    /// Where it takes requests, as it says.
    pub(crate) async fn address(&self) -> SocketAddr {
        authority(&Self::says(&self.stdout, "serves on http://").await)
    }

    /// Where it shows its runners, as it says.
    pub(crate) async fn admin(&self) -> SocketAddr {
        authority(&Self::says(&self.stdout, "runners are shown on http://").await)
    }

    /// What it shows of its runners.
    pub(crate) async fn runners(&self) -> Value {
        let response = Client::tcp(self.admin().await).await.exchange(&Request::get("/runners")).await;
        assert_eq!(response.status, 200);
        response.json()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// As a terminal does it at Ctrl-C: to the whole foreground process group.
    pub(crate) fn interrupt(&self) {
        kill_process_group(self.pid(), Signal::INT).unwrap();
    }

    /// Waits for its end. None: a signal has ended it.
    pub(crate) async fn exit(&mut self) -> Option<i32> {
        within("the program to end", self.child.wait()).await.unwrap().code()
    }

    fn pid(&self) -> Pid {
        let id = self.child.id().expect("it runs");
        Pid::from_raw(id.try_into().unwrap()).unwrap()
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
