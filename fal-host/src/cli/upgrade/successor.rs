//! The old host's side of an upgrade: the process of the new host, and what it reports.

use std::ffi::OsString;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::CHANNEL;
use super::messages::{self, Decision, RESUMED, SERVING, SuccessorReport};
use super::standard_error::{self, LastLines, STANDARD_ERROR};
use crate::cli::standard_stream::StandardStream;
use crate::fleet::Exit;
use crate::host::{ListenerKind, SharedSockets};
use crate::launch::{HostProcess, UPGRADE_FROM};

/// The host that is to take over.
#[derive(Debug)]
pub(super) struct Successor {
    process: HostProcess,
    channel: UnixStream,
    received: Vec<u8>,
    printed: LastLines,
}

impl Successor {
    /// Starts the program with the arguments and the environment of this one, and with its sockets.
    /// Its `argv[0]` is `called`, or else that of this one. The start may be given up; the inner result is why, then.
    pub(super) async fn start<T>(
        program: &Path,
        called: Option<&Path>,
        (sockets, runners): (&SharedSockets, NonZeroUsize),
        given_up: impl Future<Output = T>,
    ) -> io::Result<Result<Self, T>> {
        let (mut ours, theirs) = StdUnixStream::pair()?;
        ours.write_all(messages::runners(runners).as_bytes())?;
        ours.set_nonblocking(true)?;
        let mut names = vec![CHANNEL];
        let mut descriptors = vec![OwnedFd::from(theirs)];
        for (kind, socket) in &sockets.0 {
            names.push(name_of(*kind));
            descriptors.push(socket.as_fd().try_clone_to_owned()?);
        }
        names.push(STANDARD_ERROR);
        descriptors.push(io::stderr().as_fd().try_clone_to_owned()?);
        let (printed, stderr) = standard_error::pipe()?;
        let mut arguments = std::env::args_os();
        let own_name: OsString = arguments.next().unwrap_or_default();
        let own_name = if own_name.is_empty() { program.as_os_str() } else { &own_name };
        let mut command = Command::new(program);
        // A program may choose what it is by the name with which it was called.
        command.arg0(called.map_or(own_name, Path::as_os_str)).args(arguments);
        // The process does not exist yet whose id `LISTEN_PID` would name.
        command.env(UPGRADE_FROM, std::process::id().to_string()).env_remove("LISTEN_PID");
        command.env("LISTEN_FDS", descriptors.len().to_string()).env("LISTEN_FDNAMES", names.join(":"));
        // systemd asks it of the main process, which the new one becomes.
        command.env_remove("WATCHDOG_PID");
        let process = match HostProcess::start(command, stderr, &descriptors, given_up).await? {
            Ok(process) => process,
            Err(why) => return Ok(Err(why)),
        };
        let printed = LastLines::read(printed, process.pid())?;
        Ok(Ok(Self { process, channel: UnixStream::from_std(ours)?, received: Vec::new(), printed }))
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Waits until it could serve. The error says why it will not.
    pub(super) async fn ready(&mut self) -> Result<(), String> {
        match self.report().await? {
            SuccessorReport::Ready => Ok(()),
            SuccessorReport::Failed(why) => Err(why),
        }
    }

    /// Gives the upgrade up because the time is up. Returns what the new host waits for.
    pub(super) async fn give_up(&mut self) -> String {
        self.answer(Decision::GiveUp).await;
        match timeout(REPORT_PATIENCE, self.report()).await {
            Ok(Ok(SuccessorReport::Failed(why)) | Err(why)) => why,
            Ok(Ok(SuccessorReport::Ready)) => "it became ready just now".to_owned(),
            Err(_) => format!("it does not say what it waits for; see {}", self.output()),
        }
    }

    /// Says the last that this host has to say.
    pub(super) async fn answer(&mut self, answer: Decision) {
        // If it has just ended, the channel has ended, too.
        let _ = self.channel.write_all(answer.line().as_bytes()).await;
        let _ = self.channel.shutdown().await;
    }

    /// Waits for its first report. The error says how it has ended without one.
    async fn report(&mut self) -> Result<SuccessorReport, String> {
        loop {
            if let Some(report) = messages::parse_report(&self.received) {
                return Ok(report);
            }
            tokio::select! {
                biased;
                readable = self.channel.readable() => if readable.is_err() || self.read().is_err() {
                    return Err(match self.exit().await {
                        Some(exit) => self.early_end(exit).await,
                        None => "the new program is no host that takes over".to_owned(),
                    });
                },
                // A process that it has started may keep the channel open.
                exit = self.process.ended() => return Err(self.early_end(exit).await),
            }
        }
    }

    async fn early_end(&mut self, exit: Exit) -> String {
        match self.printed.last().await {
            Some(last) => format!("the new program has ended with {exit}; it printed last: {last}"),
            None => format!("the new program has ended with {exit}; see {} for the reason", self.output()),
        }
    }

    /// Where the output of a host is: it has the standard streams of this process.
    fn output(&self) -> String {
        if std::env::var_os("JOURNAL_STREAM").is_some() {
            format!("`journalctl _PID={}`", self.pid())
        } else {
            format!("the {} of this host", StandardStream::Error)
        }
    }

    /// How it has ended, after the end of the channel.
    async fn exit(&self) -> Option<Exit> {
        timeout(EXIT_PATIENCE, self.process.ended()).await.ok()
    }

    /// Reads what has arrived. The end is an error.
    fn read(&mut self) -> io::Result<()> {
        let mut part = [0; 1024];
        match self.channel.try_read(&mut part) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(length) => {
                self.received.extend_from_slice(part.get(..length).unwrap_or_default());
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Lets it serve, and waits until it does. The error says why it does not.
    pub(super) async fn serve(&mut self, answer: Decision) -> Result<(), String> {
        self.answer(answer).await;
        match timeout(SERVING_PATIENCE, self.says(SERVING)).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(match self.exit().await {
                Some(exit) => format!("the new host has ended with {exit} before it served"),
                None => "the new host has closed its channel before it served".to_owned(),
            }),
            Err(_) => {
                tracing::warn!("upgrade: the new host has not said that it serves");
                Ok(())
            }
        }
    }

    /// Waits until an operator has resumed it. Returns whether that happened before it ended.
    pub(super) async fn resumed(mut self) -> bool {
        self.says(RESUMED).await
    }

    /// Waits until it says this. Returns whether that happened before the end of the channel.
    async fn says(&mut self, line: &str) -> bool {
        while !messages::has_said(&self.received, line) {
            if self.channel.readable().await.is_err() || self.read().is_err() {
                return false;
            }
        }
        true
    }

    /// Ends it with its runners, and kills it when it has not ended after `patience`, or at `at_once`.
    pub(super) async fn end(self, patience: Duration, at_once: impl Future<Output = ()>) {
        let Self { process, channel, .. } = self;
        drop(channel);
        let exit = process.end(patience, at_once).await;
        tracing::debug!(%exit, "the new host has ended");
    }
}

/// How long the new host may take to say what it waits for.
const REPORT_PATIENCE: Duration = Duration::from_secs(1);

/// How long the new host may take to open its doors.
const SERVING_PATIENCE: Duration = Duration::from_secs(5);

/// How long a program that has closed its sockets may take to exit.
const EXIT_PATIENCE: Duration = Duration::from_secs(1);

/// The name of a socket among the inherited ones (S69b).
fn name_of(kind: ListenerKind) -> &'static str {
    match kind {
        ListenerKind::Requests => "requests",
        ListenerKind::Admin => "admin",
        ListenerKind::Probes => "probes",
    }
}
