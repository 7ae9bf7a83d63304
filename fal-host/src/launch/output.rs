//! The output of runners, in the host's log.

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};

use crate::RunnerId;

/// The longest line of output, in bytes. Longer ones are logged in parts.
const MAX_LINE_LEN: usize = 8 * 1024;

/// Marks where a line was cut, at the end of one part and at the start of the next.
const CUT: &str = "…";

/// Logs what a runner prints, line by line, until it closes its end.
pub(super) async fn relay(output: impl AsyncRead + Unpin, id: RunnerId, stream: &'static str) {
    let mut lines = Lines::new(BufReader::new(output));
    while let Some(line) = lines.next().await {
        tracing::info!(target: "fal_host::output", runner = %id, stream, "{line}");
    }
}

/// The lines of an output.
struct Lines<R> {
    reader: R,
    /// The start of the next line, if it has been read: a character that did not fit into the last part.
    line: Vec<u8>,
    /// Whether the last line was cut.
    is_cut: bool,
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    fn new(reader: R) -> Self {
        Self { reader, line: Vec::new(), is_cut: false }
    }

    /// The next line, or a part of it. `None` at the end of the output, or when it cannot be read.
    async fn next(&mut self) -> Option<String> {
        // With its line feed.
        let room = (MAX_LINE_LEN + 1).saturating_sub(self.line.len());
        let mut limited = (&mut self.reader).take(u64::try_from(room).unwrap_or(u64::MAX));
        let read = limited.read_until(b'\n', &mut self.line).await;
        if read.is_err() || self.line.is_empty() {
            return None;
        }
        let continues = self.is_cut;
        self.is_cut = self.line.len() > MAX_LINE_LEN && !self.line.ends_with(b"\n");
        let rest = if self.is_cut {
            self.line.split_off(self.line.len() - incomplete_len(&self.line))
        } else {
            Vec::new()
        };
        let line = std::mem::replace(&mut self.line, rest);
        let (start, end) = (if continues { CUT } else { "" }, if self.is_cut { CUT } else { "" });
        Some(format!("{start}{}{end}", String::from_utf8_lossy(line.trim_ascii_end())))
    }
}

/// How many bytes at the end are the start of a UTF-8 character whose rest is missing.
fn incomplete_len(bytes: &[u8]) -> usize {
    /// The first byte of a character has as many leading ones as the character has bytes.
    fn expected_len(first: u8) -> usize {
        usize::try_from(first.leading_ones()).unwrap_or(usize::MAX)
    }
    let is_continuation = |byte: u8| byte.leading_ones() == 1;
    let tail = bytes.iter().rev().take(4);
    match tail.enumerate().find(|(_, byte)| !is_continuation(**byte)) {
        Some((after, first)) if expected_len(*first) > after + 1 => after + 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(output: impl AsRef<[u8]>) -> Vec<String> {
        let mut lines = Lines::new(output.as_ref());
        let mut all = Vec::new();
        while let Some(line) = lines.next().await {
            all.push(line);
        }
        all
    }

    #[tokio::test]
    async fn output_is_logged_line_by_line() {
        assert_eq!(lines("a \r\n\nb").await, ["a", "", "b"]);
        assert_eq!(lines(b"\xffa\n").await, ["\u{fffd}a"], "bytes that are not UTF-8 are replaced");
        let longest = "l".repeat(MAX_LINE_LEN);
        assert_eq!(lines(format!("{longest}\nnext\n")).await, [longest.as_str(), "next"]);
    }

    #[tokio::test]
    async fn a_long_line_is_cut_between_characters_with_a_mark() {
        for character in ["x", "é", "語", "🦀"] {
            for offset in 0..4 {
                let line = format!("{}{}", "-".repeat(offset), character.repeat(MAX_LINE_LEN));
                let parts = lines(format!("{line}\nnext\n")).await;
                let (next, parts) = parts.split_last().unwrap();
                assert_eq!(next, "next");
                assert!(parts.iter().all(|part| part.len() <= MAX_LINE_LEN + 1 + 2 * CUT.len()));
                let joined = parts.join("").replace(&format!("{CUT}{CUT}"), "");
                assert_eq!(joined, line);
            }
        }
    }

    #[tokio::test]
    async fn bytes_that_are_not_utf8_are_cut_anywhere() {
        let parts = lines(vec![0x80; MAX_LINE_LEN * 2]).await;
        assert_eq!(parts.len(), 2);
        assert!(parts[0].ends_with(CUT) && parts[1].starts_with(CUT));
    }
}
