//! The output of runners, in the host's log.

use std::time::Duration;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, BufReader};
use tokio::task::coop::consume_budget;
use tokio::time::timeout;

use super::StatusReporter;
use crate::evidence::OutputStream;

/// The longest line of output, in bytes. Longer ones are logged in parts.
const MAX_LINE_LEN: usize = 8 * 1024;

/// Marks where a line was cut, at the end of one part and at the start of the next.
const CUT: &str = "…";

/// How long a line that replaces another one on a terminal may be incomplete before it is logged.
const REFRESH: Duration = Duration::from_millis(200);

/// Logs and keeps what a runner prints, line by line, until it closes its end.
pub(super) async fn relay(output: impl AsyncRead + Unpin, reporter: StatusReporter, stream: OutputStream) {
    let mut lines = Lines::new(BufReader::new(output));
    while let Some(line) = lines.next().await {
        reporter.printed(stream, &line);
        tracing::info!(target: "fal_host::output", runner = %reporter.id(), stream = stream.name(), "{line}");
        // One read can bring thousands of lines.
        consume_budget().await;
    }
}

/// The lines of an output. A carriage return ends a line, too: programs send one before or after each state of a progress
/// bar.
pub(crate) struct Lines<R> {
    reader: R,
    /// The part of the next line that has been read.
    line: Vec<u8>,
    /// Whether the last line was cut.
    is_cut: bool,
    /// Whether the last line ended with a carriage return.
    after_return: bool,
}

/// How the part of a line that was read ends.
enum LineEnd {
    LineFeed,
    CarriageReturn,
    /// It is longer than a line may be.
    Cut,
    /// Nothing follows for the moment.
    Pause,
    /// Nothing follows.
    Output,
}

#[cfg(feature = "cli")]
impl<R: AsyncRead + Unpin> Lines<BufReader<R>> {
    /// The lines of this output.
    pub(crate) fn of(output: R) -> Self {
        Self::new(BufReader::new(output))
    }
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    fn new(reader: R) -> Self {
        Self { reader, line: Vec::new(), is_cut: false, after_return: false }
    }

    /// The next line, or a part of it. `None` at the end of the output, or when it cannot be read.
    pub(crate) async fn next(&mut self) -> Option<String> {
        loop {
            let end = self.read_on().await;
            let is_progress = matches!(end, LineEnd::CarriageReturn | LineEnd::Pause);
            match end {
                LineEnd::Output if self.line.is_empty() => return None,
                // A progress bar that begins with a carriage return.
                _ if is_progress && self.line.is_empty() => {}
                LineEnd::Cut => {
                    let rest = self.line.split_off(self.line.len() - incomplete_len(&self.line));
                    return Some(self.take(rest, true));
                }
                _ => return Some(self.take(Vec::new(), false)),
            }
        }
    }

    /// Takes the line, whose rest follows.
    fn take(&mut self, rest: Vec<u8>, is_cut: bool) -> String {
        let continues = std::mem::replace(&mut self.is_cut, is_cut);
        let line = std::mem::replace(&mut self.line, rest);
        let (start, end) = (if continues { CUT } else { "" }, if is_cut { CUT } else { "" });
        format!("{start}{}{end}", String::from_utf8_lossy(line.trim_ascii_end()))
    }

    /// Reads until a line has ended.
    async fn read_on(&mut self) -> LineEnd {
        loop {
            let filled = self.reader.fill_buf();
            let filled = if self.after_return && !self.line.is_empty() {
                match timeout(REFRESH, filled).await {
                    Ok(filled) => filled,
                    Err(_) => return LineEnd::Pause,
                }
            } else {
                filled.await
            };
            let Ok(mut bytes) = filled else { return LineEnd::Output };
            if bytes.is_empty() {
                return LineEnd::Output;
            }
            if self.after_return && self.line.is_empty() && bytes.starts_with(b"\n") {
                // The second half of the end of a line.
                self.after_return = false;
                self.reader.consume(1);
                continue;
            }
            let room = MAX_LINE_LEN + 1 - self.line.len().min(MAX_LINE_LEN);
            bytes = bytes.get(..room).unwrap_or(bytes);
            let at = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let (text, end) = at.and_then(|at| bytes.split_at_checked(at)).unwrap_or((bytes, &[]));
            self.line.extend_from_slice(text);
            let end = end.first().copied();
            let length = text.len() + usize::from(end.is_some());
            self.reader.consume(length);
            match end {
                Some(b'\r') => {
                    self.after_return = true;
                    return LineEnd::CarriageReturn;
                }
                Some(_) => {
                    self.after_return = false;
                    return LineEnd::LineFeed;
                }
                None if self.line.len() > MAX_LINE_LEN => return LineEnd::Cut,
                None => {}
            }
        }
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
    use futures_util::FutureExt;

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
        assert_eq!(lines("\r\n\r\n").await, [] as [&str; 0]);
        assert_eq!(lines(b"\xffa\n").await, ["\u{fffd}a"], "bytes that are not UTF-8 are replaced");
        let longest = "l".repeat(MAX_LINE_LEN);
        assert_eq!(lines(format!("{longest}\nnext\n")).await, [longest.as_str(), "next"]);
    }

    #[tokio::test]
    async fn a_flood_of_lines_lets_other_tasks_run_s100() {
        let lines = "\n".repeat(1000);
        let reporter =
            StatusReporter::new(crate::RunnerId::new(1), 0, tokio::sync::mpsc::unbounded_channel().0);
        let relaying = relay(lines.as_bytes(), reporter, OutputStream::Stdout);
        assert!(relaying.now_or_never().is_none());
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
    async fn each_state_of_a_progress_bar_is_a_line() {
        assert_eq!(lines("\r 10%\r 20%\r\r 100%\ndone\n").await, [" 10%", " 20%", " 100%", "done"]);
        assert_eq!(lines("10%\r20%\r").await, ["10%", "20%"]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_state_of_a_progress_bar_is_logged_although_its_line_has_no_end_yet() {
        let (mut runner, output) = tokio::io::duplex(64);
        let mut lines = Lines::new(BufReader::new(output));
        tokio::io::AsyncWriteExt::write_all(&mut runner, b"\r 10%").await.unwrap();
        assert_eq!(lines.next().await.unwrap(), " 10%");
        tokio::io::AsyncWriteExt::write_all(&mut runner, b"\r 20%\nloaded").await.unwrap();
        assert_eq!(lines.next().await.unwrap(), " 20%");
        tokio::select! {
            biased;
            line = lines.next() => panic!("{line:?} has no end"),
            () = tokio::time::sleep(REFRESH * 10) => {}
        }
        drop(runner);
        assert_eq!(lines.next().await.unwrap(), "loaded");
    }

    #[tokio::test]
    async fn bytes_that_are_not_utf8_are_cut_anywhere() {
        let parts = lines(vec![0x80; MAX_LINE_LEN * 2]).await;
        assert_eq!(parts.len(), 2);
        assert!(parts[0].ends_with(CUT) && parts[1].starts_with(CUT));
    }
}
