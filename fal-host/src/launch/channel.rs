//! The host's end of the control channel.

use std::io;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::Duration;

use fal_health::protocol::{MAX_LINE_LEN, Message, Progress, VERSION};
use rustix::net::{RecvFlags, recv};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::UnixStream;
use tokio::task::coop::consume_budget;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};

use super::StatusReporter;

/// The least time between two reports of progress to the host. In between, only the latest is kept.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// More than the buffer of the socket holds, in bytes.
const MAX_UNREAD: usize = 1 << 20;

/// Makes a control channel: the host's end, and the runner's end, which becomes its standard input.
pub(super) fn pair() -> io::Result<(UnixStream, Stdio)> {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    Ok((UnixStream::from_std(ours)?, OwnedFd::from(theirs).into()))
}

/// The host's end of a runner's channel. The runner kills itself when it is dropped.
///
/// Lines that are not messages are skipped. Progress is reported at intervals, metrics always, and every other message once, however
/// many a runner sends.
#[derive(Debug)]
pub(super) struct Channel {
    reader: BufReader<UnixStream>,
    /// The part of a line that was read.
    line: Vec<u8>,
    received: Received,
}

impl Channel {
    pub(super) fn new(channel: UnixStream, reporter: StatusReporter) -> Self {
        let received = Received {
            reporter,
            progress: None,
            not_before: Instant::now(),
            ready: false,
            failed: false,
            other_protocol: false,
        };
        Self { reader: BufReader::new(channel), line: Vec::new(), received }
    }

    /// Reports the runner's messages until it closes its end. Cancel safe.
    pub(super) async fn listen(&mut self) -> Listened {
        let Self { reader, line, received } = self;
        loop {
            let room = MAX_LINE_LEN.saturating_sub(line.len());
            let mut limited = (&mut *reader).take(u64::try_from(room).unwrap_or(u64::MAX));
            let read = tokio::select! {
                // A part of a line that was read stays in `line` when the other branch is taken.
                read = limited.read_until(b'\n', line) => read,
                () = sleep_until(received.not_before), if received.progress.is_some() => {
                    received.report_progress();
                    continue;
                }
            };
            if read.is_err() || line.is_empty() {
                received.report_progress();
                return Listened::ToTheEnd;
            }
            received.handle(line);
            line.clear();
            if received.other_protocol {
                return Listened::OtherProtocol;
            }
            // A runner that sends much does not hold up other tasks.
            consume_budget().await;
        }
    }

    /// Reports what an ended runner has sent and the host has not read yet. Does not wait for more: another process may hold
    /// the runner's end open. Lets other tasks run after each part (S100).
    pub(super) async fn drain(mut self) {
        let mut unread = std::mem::take(&mut self.line);
        unread.extend_from_slice(self.reader.buffer());
        let mut part = vec![0; 16 * 1024];
        for _ in 0..=MAX_UNREAD / part.len() {
            let is_end = match recv(self.reader.get_ref(), &mut part, RecvFlags::DONTWAIT) {
                Ok((length, _)) if length > 0 => {
                    unread.extend(part.iter().take(length));
                    false
                }
                Ok(_) | Err(_) => true,
            };
            let whole = if is_end {
                unread.len()
            } else {
                unread.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1)
            };
            let rest = unread.split_off(whole);
            unread.split_inclusive(|byte| *byte == b'\n').for_each(|line| self.received.handle(line));
            unread = rest;
            if is_end {
                break;
            }
            yield_now().await;
        }
        self.received.report_progress();
    }
}

/// Why the host listens no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listened {
    /// The runner has closed its end.
    ToTheEnd,
    /// It speaks another version of the contract, and must end (S77b).
    OtherProtocol,
}

/// The messages received from one runner.
#[derive(Debug)]
struct Received {
    reporter: StatusReporter,
    /// The latest progress, if it has not been reported yet.
    progress: Option<Progress>,
    /// When progress may be reported again.
    not_before: Instant,
    ready: bool,
    failed: bool,
    /// It has said that it speaks another version of the contract.
    other_protocol: bool,
}

impl Received {
    fn handle(&mut self, line: &[u8]) {
        match Message::decode(line) {
            Ok(Message::Ready { protocol: Some(protocol) }) if protocol != VERSION => {
                if !std::mem::replace(&mut self.other_protocol, true) {
                    self.reporter.setup_failed(format!(
                        "this runner speaks protocol {protocol}, its host {VERSION}: build both with the same version of \
                         fal-runtime"
                    ));
                }
            }
            Ok(Message::Ready { .. }) => {
                if !std::mem::replace(&mut self.ready, true) {
                    self.reporter.ready();
                }
            }
            Ok(Message::Progress(progress)) => {
                self.progress = Some(progress);
                if self.not_before <= Instant::now() {
                    self.report_progress();
                }
            }
            Ok(Message::Metrics(family)) => self.reporter.metric(family),
            Ok(Message::Failed { error }) => {
                self.report_progress();
                if !std::mem::replace(&mut self.failed, true) {
                    self.reporter.setup_failed(error);
                }
            }
            Err(error) => {
                tracing::debug!(
                    runner = %self.reporter.id(),
                    error = &error as &dyn std::error::Error,
                    "skipped a line on the control channel"
                );
            }
        }
    }

    fn report_progress(&mut self) {
        if let Some(progress) = self.progress.take() {
            self.reporter.progress(progress);
            self.not_before = Instant::now() + PROGRESS_INTERVAL;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::net::UnixStream as StdUnixStream;

    use futures_util::FutureExt;
    use tokio::sync::mpsc;

    use super::*;
    use crate::RunnerId;
    use crate::fleet::FleetEvent;

    #[tokio::test]
    async fn the_last_message_of_an_ended_runner_is_reported_without_waiting_for_the_end_of_its_channel_s36c()
    {
        let (sender, mut fleet_events) = mpsc::unbounded_channel();
        let (ours, mut runner) = StdUnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let reporter = StatusReporter::new(RunnerId::new(1), 0, sender);
        let mut channel = Channel::new(UnixStream::from_std(ours).unwrap(), reporter);
        let failed = Message::failed("no model").encode();
        let (first, second) = failed.split_at(9);
        // The host has read one message and a part of the next.
        runner.write_all(Message::ready().encode().as_bytes()).unwrap();
        runner.write_all(first.as_bytes()).unwrap();
        tokio::select! {
            _ = channel.listen() => panic!("the channel is open"),
            event = fleet_events.recv() => assert!(matches!(event, Some(FleetEvent::Ready { .. }))),
        }
        runner.write_all(second.as_bytes()).unwrap();
        channel.drain().await;
        let event = fleet_events.try_recv().unwrap();
        assert!(matches!(&event, FleetEvent::SetupFailed { error, .. } if error == "no model"), "{event:?}");
    }

    #[tokio::test]
    async fn much_that_an_ended_runner_has_sent_lets_other_tasks_run_s100() {
        let (sender, mut fleet_events) = mpsc::unbounded_channel();
        let (ours, mut runner) = StdUnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let reporter = StatusReporter::new(RunnerId::new(1), 0, sender);
        let channel = Channel::new(UnixStream::from_std(ours).unwrap(), reporter);
        runner.write_all(Message::ready().encode().as_bytes()).unwrap();
        runner.write_all(&vec![b'x'; 40 * 1024]).unwrap();
        runner.write_all(b"\n").unwrap();
        runner.write_all(Message::failed("no model").encode().as_bytes()).unwrap();
        let mut draining = Box::pin(channel.drain());
        assert!((&mut draining).now_or_never().is_none());
        assert!(matches!(fleet_events.try_recv(), Ok(FleetEvent::Ready { .. })), "the first part was read");
        assert!(fleet_events.try_recv().is_err(), "and not the last one");
        draining.await;
        assert!(matches!(fleet_events.try_recv(), Ok(FleetEvent::SetupFailed { .. })));
    }

    /// Why the host stops listening to a runner that sends this line, and its first report.
    async fn report_of(line: &str) -> (Listened, Option<FleetEvent>) {
        let (sender, mut fleet_events) = mpsc::unbounded_channel();
        let (ours, mut runner) = StdUnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let reporter = StatusReporter::new(RunnerId::new(1), 0, sender);
        let mut channel = Channel::new(UnixStream::from_std(ours).unwrap(), reporter);
        runner.write_all(line.as_bytes()).unwrap();
        drop(runner);
        let listened = channel.listen().await;
        (listened, fleet_events.try_recv().ok())
    }

    #[tokio::test]
    async fn a_runner_that_speaks_another_protocol_is_not_ready_and_must_end_s77b() {
        let (listened, event) = report_of("{\"ready\":{\"protocol\":999}}\n").await;
        assert_eq!(listened, Listened::OtherProtocol);
        let Some(FleetEvent::SetupFailed { error, .. }) = event else { panic!("{event:?}") };
        assert!(error.contains("protocol 999, its host 1: build both"), "{error}");
    }

    #[tokio::test]
    async fn a_runner_that_speaks_the_same_protocol_or_names_no_version_is_ready_s77b() {
        for line in ["{\"ready\":{\"protocol\":1}}\n", "{\"ready\":{}}\n"] {
            let (listened, event) = report_of(line).await;
            assert_eq!(listened, Listened::ToTheEnd);
            assert!(matches!(event, Some(FleetEvent::Ready { .. })), "{event:?}");
        }
    }
}
