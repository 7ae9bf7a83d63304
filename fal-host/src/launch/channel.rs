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

/// The least time between two reports of a setup's progress that are passed on. In between, only the latest is kept.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// The host's end of a control channel, and the runner's, which is to be its standard event.
pub(super) fn pair() -> io::Result<(UnixStream, Stdio)> {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    Ok((UnixStream::from_std(ours)?, OwnedFd::from(theirs).into()))
}

/// Passes on what a runner says until it ends or closes its side, and gives the channel back: a runner ends itself when
/// the host's end closes. What is not understood is skipped: a runner of another version may say more. However much it
/// says, the host hears of its progress now and then, and of the rest once.
pub(super) async fn listen(channel: UnixStream, reporter: StatusReporter) -> UnixStream {
    let mut reader = BufReader::new(channel);
    let mut line = Vec::new();
    let mut said = Said { reporter, progress: None, not_before: Instant::now(), ready: false, failed: false };
    loop {
        let room = MAX_LINE_LEN.saturating_sub(line.len());
        let mut limited = (&mut reader).take(u64::try_from(room).unwrap_or(u64::MAX));
        let read = tokio::select! {
            // What has been read of a line stays in it when the other branch is taken.
            read = limited.read_until(b'\n', &mut line) => read,
            () = sleep_until(said.not_before), if said.progress.is_some() => {
                said.pass_on();
                continue;
            }
        };
        if read.is_err() || line.is_empty() {
            said.pass_on();
            return reader.into_inner();
        }
        said.hear(&line);
        line.clear();
        // Nobody is kept waiting by one who has much to say.
        consume_budget().await;
    }
}

/// What a runner has said.
#[derive(Debug)]
struct Said {
    reporter: StatusReporter,
    /// The latest that the host has not heard of.
    progress: Option<Progress>,
    not_before: Instant,
    ready: bool,
    failed: bool,
}

impl Said {
    fn hear(&mut self, line: &[u8]) {
        match Message::decode(line) {
            Ok(Message::Ready {}) => {
                if !std::mem::replace(&mut self.ready, true) {
                    self.reporter.ready();
                }
            }
            Ok(Message::Progress(progress)) => {
                self.progress = Some(progress);
                if self.not_before <= Instant::now() {
                    self.pass_on();
                }
            }
            Ok(Message::Failed { error }) => {
                self.pass_on();
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

    fn pass_on(&mut self) {
        if let Some(progress) = self.progress.take() {
            self.reporter.progress(progress);
            self.not_before = Instant::now() + PROGRESS_INTERVAL;
        }
    }
}
