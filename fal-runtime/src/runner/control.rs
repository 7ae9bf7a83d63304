//! The runner's end of the control channel.
//!
//! The [protocol](fal_health::protocol#control-channel) describes the channel and its messages.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, PoisonError};
use std::thread;

use fal_health::protocol::Message;
use rustix::io::Errno;
use rustix::net::{SendFlags, send};
use rustix::process::{Signal, getpgrp, getpid, kill_current_process_group, kill_process};

/// A runner's end of the control channel.
#[derive(Debug)]
pub(crate) struct Control(Mutex<LineWriter>);

/// Writes whole lines to the channel.
#[derive(Debug)]
struct LineWriter {
    channel: UnixStream,
    /// The rest of a line that did not fit into the socket's buffer.
    unsent: Vec<u8>,
}

impl Control {
    /// Takes the channel from standard input and puts the null device there, so that no child process of the app
    /// inherits it.
    pub(crate) fn take_from_stdin() -> io::Result<Self> {
        let channel = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
        rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
        Self::over(channel)
    }

    /// Kills this process and its group as soon as the host has ended (S41f). An error means that no thread can be
    /// started.
    pub(crate) fn die_with_the_host(&self) -> io::Result<()> {
        let watched = self.0.lock().unwrap_or_else(PoisonError::into_inner).channel.try_clone()?;
        // A suspended process cannot see the end of its host, so the system continues it then. Without this, only
        // suspended runners may outlive their host.
        #[cfg(target_os = "linux")]
        let _ = rustix::process::set_parent_process_death_signal(Some(Signal::CONT));
        // A thread and not a task: a runtime whose every thread is stuck must not keep the process alive.
        thread::Builder::new().name("fal-control".to_owned()).spawn(move || {
            wait_until_closed(watched);
            kill_own_group();
        })?;
        Ok(())
    }

    fn over(channel: UnixStream) -> io::Result<Self> {
        channel.set_nonblocking(false)?;
        Ok(Self(Mutex::new(LineWriter { channel, unsent: Vec::new() })))
    }

    /// Sends a line unless the socket's buffer is full. Returns whether it was sent.
    pub(crate) fn offer(&self, line: &str) -> bool {
        let mut writer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        writer.try_write(line.as_bytes()).unwrap_or(false)
    }

    /// Sends a message. Progress is dropped while the host reads nothing and the socket's buffer is full. Every other
    /// message is sent, and blocks until then. If the channel is broken, logs a warning.
    pub(crate) fn send(&self, message: &Message) {
        let line = message.encode();
        // The lock keeps the lines of several threads apart.
        let mut writer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = match message {
            Message::Progress(_) | Message::Metrics(_) => writer.try_write(line.as_bytes()).map(drop),
            Message::Ready { .. } | Message::Failed { .. } => writer.write(line.as_bytes()),
        };
        if let Err(error) = sent {
            tracing::warn!(%error, "a report to the host could not be sent");
        }
    }
}

impl LineWriter {
    /// Blocks until the line is sent.
    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        let unsent = std::mem::take(&mut self.unsent);
        self.channel.write_all(&unsent)?;
        self.channel.write_all(line)
    }

    /// Sends the line unless the socket's buffer is full. Does not block. Returns whether it was sent.
    fn try_write(&mut self, line: &[u8]) -> io::Result<bool> {
        let sent = self.send_part(&self.unsent)?;
        self.unsent.drain(..sent);
        if !self.unsent.is_empty() {
            return Ok(false);
        }
        let sent = self.send_part(line)?;
        if sent > 0 {
            self.unsent.extend_from_slice(line.get(sent..).unwrap_or_default());
        }
        Ok(sent > 0)
    }

    /// Sends as many bytes as fit into the socket's buffer.
    fn send_part(&self, bytes: &[u8]) -> io::Result<usize> {
        match send(&self.channel, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
            Err(Errno::AGAIN) => Ok(0),
            sent => Ok(sent?),
        }
    }
}

fn wait_until_closed(mut channel: UnixStream) {
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

/// Kills this process, and its process group if it leads one, as each runner of a host does.
pub(crate) fn kill_own_group() {
    // A process may always kill itself, so there is no error to handle.
    let _ = if getpgrp() == getpid() {
        kill_current_process_group(Signal::KILL)
    } else {
        kill_process(getpid(), Signal::KILL)
    };
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};

    use fal_health::protocol::Progress;

    use super::*;

    #[test]
    fn messages_are_sent_as_lines() {
        let (host, runner) = UnixStream::pair().unwrap();
        let control = Control::over(runner).unwrap();
        let messages =
            [Message::Progress(Progress::new(0.25, "a\nb")), Message::ready(), Message::failed("no model")];
        for message in &messages {
            control.send(message);
        }
        drop(control);
        let lines: Vec<_> = BufReader::new(host).lines().map(Result::unwrap).collect();
        let received: Vec<_> = lines.iter().map(|line| Message::decode(line.as_bytes()).unwrap()).collect();
        assert_eq!(received, messages);
    }

    #[test]
    fn progress_is_dropped_and_no_other_message_is_while_the_host_does_not_read() {
        let (host, runner) = UnixStream::pair().unwrap();
        let control = Control::over(runner).unwrap();
        // Far more than the buffer of the socket holds.
        let progress = Message::Progress(Progress::new(0.5, "loading ".repeat(1000)));
        (0..1000).for_each(|_| control.send(&progress));
        let expected = [Message::failed("no model"), Message::ready()];
        let sending = thread::spawn({
            let expected = expected.clone();
            move || expected.iter().for_each(|message| control.send(message))
        });
        let lines = BufReader::new(host).lines().map(Result::unwrap);
        let received: Vec<_> = lines.map(|line| Message::decode(line.as_bytes()).unwrap()).collect();
        sending.join().unwrap();
        let (progresses, others) = received.split_at(received.len() - expected.len());
        assert_eq!(others, expected);
        assert!(progresses.len() < 1000 && progresses.iter().all(|message| *message == progress));
    }

    #[test]
    fn data_from_the_host_is_ignored_and_a_closed_channel_is_noticed_s41f() {
        let (mut host, runner) = UnixStream::pair().unwrap();
        let waiting = thread::spawn(move || wait_until_closed(runner));
        host.write_all(b"{\"later\":{}}\n").unwrap();
        drop(host);
        waiting.join().unwrap();
    }

    #[test]
    fn send_returns_when_the_host_has_exited() {
        let (host, runner) = UnixStream::pair().unwrap();
        drop(host);
        Control::over(runner).unwrap().send(&Message::ready());
    }
}
