//! The host's end of the control channel.

use std::io;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::Duration;

use fal_health::protocol::{MAX_LINE_LEN, Message, Progress};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::UnixStream;
use tokio::task::coop::consume_budget;
use tokio::time::{Instant, sleep_until};

use super::StatusReporter;

/// The least time between two reports of progress to the host. In between, only the latest is kept.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// Makes a control channel: the host's end, and the runner's end, which becomes its standard input.
pub(super) fn pair() -> io::Result<(UnixStream, Stdio)> {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    Ok((UnixStream::from_std(ours)?, OwnedFd::from(theirs).into()))
}

/// Reports a runner's messages until it ends or closes its end. Returns the host's end, because the runner kills itself
/// when that closes.
///
/// Lines that are not messages are skipped. Progress is reported at intervals and every other message once, however
/// many a runner sends.
pub(super) async fn listen(channel: UnixStream, reporter: StatusReporter) -> UnixStream {
    let mut reader = BufReader::new(channel);
    let mut line = Vec::new();
    let mut received =
        Received { reporter, progress: None, not_before: Instant::now(), ready: false, failed: false };
    loop {
        let room = MAX_LINE_LEN.saturating_sub(line.len());
        let mut limited = (&mut reader).take(u64::try_from(room).unwrap_or(u64::MAX));
        let read = tokio::select! {
            // A part of a line that was read stays in `line` when the other branch is taken.
            read = limited.read_until(b'\n', &mut line) => read,
            () = sleep_until(received.not_before), if received.progress.is_some() => {
                received.report_progress();
                continue;
            }
        };
        if read.is_err() || line.is_empty() {
            received.report_progress();
            return reader.into_inner();
        }
        received.handle(&line);
        line.clear();
        // A runner that sends much does not hold up other tasks.
        consume_budget().await;
    }
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
}

impl Received {
    fn handle(&mut self, line: &[u8]) {
        match Message::decode(line) {
            Ok(Message::Ready {}) => {
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
