use std::io;
use std::os::fd::OwnedFd;
use std::process::Stdio;

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::UnixStream;

use super::Notices;
use crate::fleet::Progress;

/// The longest line that a runner may send.
const LONGEST_LINE: u64 = 64 * 1024;

/// What a runner says over its control channel, one JSON object a line.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Message {
    Ready {},
    Progress { fraction: f64, message: String },
    Failed { error: String },
}

/// The host's end of a control channel, and the runner's, which is to be its standard input.
pub(super) fn pair() -> io::Result<(UnixStream, Stdio)> {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    Ok((UnixStream::from_std(ours)?, OwnedFd::from(theirs).into()))
}

/// Passes on what a runner says until it ends or closes its side, and gives the channel back: a runner ends itself when
/// the host's end closes. What is not understood is skipped: a runner of another version may say more.
pub(super) async fn listen(channel: UnixStream, notices: Notices) -> UnixStream {
    let mut reader = BufReader::new(channel);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut reader).take(LONGEST_LINE).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return reader.into_inner(),
            Ok(_) => {}
        }
        match serde_json::from_slice(&line) {
            Ok(Message::Ready {}) => notices.ready(),
            Ok(Message::Progress { fraction, message }) => {
                notices.progress(Progress { fraction: fraction.clamp(0.0, 1.0), message });
            }
            Ok(Message::Failed { error }) => notices.setup_failed(error),
            Err(error) => {
                tracing::debug!(runner = %notices.id(), %error, "a message on the control channel was not understood");
            }
        }
    }
}
