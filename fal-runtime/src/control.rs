//! The control channel: a runner's line to its host.
//!
//! It is one end of a Unix stream socket pair, which the host hands over as the runner's standard input. The runner
//! says a few things over it, each a line of JSON; the host says nothing. That it closes is what matters: then the
//! host is gone, however it ended, and no runner may survive it (S41).

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::{Signal, getpgrp, getpid, kill_current_process_group, kill_process};
use serde::Serialize;

use crate::Progress;

/// How long a report may take to be written. A line always fits into the socket's buffer, unless the host has stopped
/// reading.
const PATIENCE: Duration = Duration::from_secs(1);

/// A runner's end of the control channel.
#[derive(Debug)]
pub(crate) struct Control(Mutex<UnixStream>);

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Report<'a> {
    Ready {},
    Progress { fraction: f64, message: &'a str },
    Failed { error: &'a str },
}

impl Control {
    /// Takes the channel from standard input, where it leaves the null device, and ends the process together with its
    /// group as soon as the host is gone.
    ///
    /// No child of the app's own code inherits the channel.
    pub(crate) fn take_from_stdin() -> io::Result<Self> {
        let channel = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
        rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
        let watched = channel.try_clone()?;
        let control = Self::over(channel)?;
        // A thread and not a task: a runtime whose every thread is stuck must not keep the process alive.
        thread::Builder::new().name("fal-control".to_owned()).spawn(move || {
            wait_for_the_end(watched);
            end_the_group();
        })?;
        Ok(control)
    }

    fn over(channel: UnixStream) -> io::Result<Self> {
        channel.set_nonblocking(false)?;
        channel.set_write_timeout(Some(PATIENCE))?;
        Ok(Self(Mutex::new(channel)))
    }

    /// The listener is open, and requests are served.
    pub(crate) fn ready(&self) {
        self.say(&Report::Ready {});
    }

    /// `setup` is at this point.
    pub(crate) fn progress(&self, progress: &Progress) {
        let Progress { fraction, message } = progress;
        self.say(&Report::Progress { fraction: *fraction, message });
    }

    /// The runner ends before it was ready.
    pub(crate) fn failed(&self, error: &str) {
        self.say(&Report::Failed { error });
    }

    fn say(&self, report: &Report<'_>) {
        if let Err(error) = self.write(report) {
            tracing::warn!(%error, "the host does not take what this runner reports");
        }
    }

    fn write(&self, report: &Report<'_>) -> io::Result<()> {
        let mut line = serde_json::to_vec(report)?;
        line.push(b'\n');
        // One line at a time, whichever thread of the app reports.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line)
    }
}

fn wait_for_the_end(mut channel: UnixStream) {
    let mut ignored = [0; 64];
    loop {
        match channel.read(&mut ignored) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// Kills this process and, where it leads a process group of its own, as the runners of a host do, all of that.
pub(crate) fn end_the_group() {
    // Nobody is left to tell of an error, and to kill oneself is never refused.
    let _ = if getpgrp() == getpid() {
        kill_current_process_group(Signal::KILL)
    } else {
        kill_process(getpid(), Signal::KILL)
    };
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};

    use super::*;

    #[test]
    fn reports_are_lines_of_json() {
        let (host, runner) = UnixStream::pair().unwrap();
        let control = Control::over(runner).unwrap();
        control.progress(&Progress { fraction: 0.25, message: "a\nb".to_owned() });
        control.ready();
        control.failed("no such model:\n  \"large\"");
        drop(control);
        let lines: Vec<_> = BufReader::new(host).lines().map(Result::unwrap).collect();
        let expected = [
            r#"{"progress":{"fraction":0.25,"message":"a\nb"}}"#,
            r#"{"ready":{}}"#,
            r#"{"failed":{"error":"no such model:\n  \"large\""}}"#,
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn what_the_host_says_is_ignored_and_its_end_is_noticed_s41f() {
        let (mut host, runner) = UnixStream::pair().unwrap();
        let waiting = thread::spawn(move || wait_for_the_end(runner));
        host.write_all(b"{\"later\":{}}\n").unwrap();
        drop(host);
        waiting.join().unwrap();
    }

    #[test]
    fn a_host_that_is_gone_does_not_stop_a_report_from_returning() {
        let (host, runner) = UnixStream::pair().unwrap();
        drop(host);
        Control::over(runner).unwrap().ready();
    }
}
