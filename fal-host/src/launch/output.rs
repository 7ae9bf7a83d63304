use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};

use crate::RunnerId;

/// Longer lines of a runner's output are shown in pieces of this size.
const LONGEST_LINE: u64 = 8 * 1024;

/// Shows what a runner prints, line by line, until it closes its side.
pub(super) async fn relay(output: impl AsyncRead + Unpin, id: RunnerId, stream: &'static str) {
    let mut reader = BufReader::new(output);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut reader).take(LONGEST_LINE).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(line.trim_ascii_end());
        tracing::info!(target: "fal_host::output", runner = %id, stream, "{text}");
    }
}
