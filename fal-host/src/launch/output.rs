//! The output of runners, in the host's log.

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};

use crate::RunnerId;

/// The longest line of output, in bytes. Longer ones are logged in pieces.
const MAX_LINE_LEN: u64 = 8 * 1024;

/// Logs what a runner prints, line by line, until it closes its end.
pub(super) async fn relay(output: impl AsyncRead + Unpin, id: RunnerId, stream: &'static str) {
    let mut reader = BufReader::new(output);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut reader).take(MAX_LINE_LEN).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(line.trim_ascii_end());
        tracing::info!(target: "fal_host::output", runner = %id, stream, "{text}");
    }
}
