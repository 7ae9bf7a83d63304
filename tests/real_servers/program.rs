//! A `fal-host` with a server, and clients that are programs.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use fal_tests::end_with_test;
use rustix::process::{Pid, Signal, kill_process};

/// A deadline that only a failure reaches.
const GUARD: Duration = Duration::from_secs(120);

/// A host that serves. Its end stops it.
pub(crate) struct Program {
    child: Child,
    pub(crate) address: SocketAddr,
    log: Receiver<String>,
    seen: Vec<String>,
}

impl Program {
    pub(crate) fn start(options: &[&str], command: &[&str]) -> Self {
        Self::of(Command::new(env!("CARGO_BIN_EXE_host_program")).args(options).arg("--").args(command))
    }

    /// A host of the example `websocket`.
    pub(crate) fn example() -> Self {
        Self::of(&mut Command::new(env!("CARGO_BIN_EXE_websocket")))
    }

    fn of(command: &mut Command) -> Self {
        let mut child = end_with_test(command)
            .env("FAL_LISTEN", "127.0.0.1:0")
            .env("FAL_ADMIN", "off")
            .env("FAL_CHECK_INTERVAL", "1s")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, log) = mpsc::channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let line = stdout.find(|line| line.contains("serves on")).unwrap();
        // Keeps reading, so that the host can print.
        thread::spawn(move || stdout.for_each(drop));
        let address = line.split("http://").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
        let mut host = Self { child, address: address.parse().unwrap(), log, seen: Vec::new() };
        host.line(&["IDLE: takes requests"]);
        host
    }

    pub(crate) fn url(&self, scheme: &str, path: &str) -> String {
        format!("{scheme}://{}{path}", self.address)
    }

    /// Waits for the next line of the log with all of these.
    pub(crate) fn line(&mut self, parts: &[&str]) -> String {
        loop {
            let line = self.log.recv_timeout(GUARD);
            let line = line.unwrap_or_else(|_| panic!("{parts:?} is logged: {:#?}", self.seen));
            self.seen.push(line.clone());
            if parts.iter().all(|part| line.contains(part)) {
                return line;
            }
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Stops it, and returns what it has logged.
    pub(crate) fn stopped(mut self) -> Vec<String> {
        self.signal(Signal::TERM);
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
        self.seen.extend(self.log.iter());
        std::mem::take(&mut self.seen)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It has ended already, where a test waited for that.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a client prints.
pub(crate) fn output(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
