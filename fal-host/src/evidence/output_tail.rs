//! The last lines that a runner printed.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use serde::Serialize;
use tokio::sync::watch;

use crate::json::unix_time;

/// How much of a runner's output is kept, in bytes (S85a).
const MAX_TAIL: usize = 8 * 1024;

/// How many lines of it are kept: empty ones would take memory without end.
const MAX_LINES: usize = 256;

/// The stream that a line was printed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum OutputStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl OutputStream {
    /// The name of the stream in logs and the admin interface.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

/// A line that a runner has printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct OutputLine {
    /// When the host read it. JSON has seconds since the Unix epoch.
    #[serde(serialize_with = "unix_time")]
    pub at: SystemTime,
    /// Where the runner printed it.
    pub stream: OutputStream,
    /// The line without its end.
    pub text: String,
}

/// The last lines that a runner printed, at most [`MAX_TAIL`] bytes and [`MAX_LINES`] of them.
#[derive(Debug, Default)]
pub(crate) struct OutputTail {
    lines: Mutex<KeptLines>,
    printed: watch::Sender<Printed>,
}

/// How much a runner has printed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Printed {
    /// How many lines there have been.
    lines: u64,
    /// Whether there will be no more.
    pub(crate) is_closed: bool,
}

#[derive(Debug, Default)]
struct KeptLines {
    kept: VecDeque<OutputLine>,
    bytes: usize,
}

/// The last line that is not blank.
pub(crate) fn last_line(output: &[OutputLine]) -> Option<&OutputLine> {
    output.iter().rfind(|line| !line.text.trim().is_empty())
}

/// Lines from a position on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tail {
    pub(crate) lines: Vec<OutputLine>,
    /// How many lines there have been: the position of the next one.
    pub(crate) next: u64,
}

impl OutputTail {
    /// The last line before that time which has letters or digits: a traceback may end with a rule.
    pub(crate) fn last_line_before(&self, time: SystemTime) -> Option<OutputLine> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let is_told = |line: &&OutputLine| line.at <= time && line.text.contains(char::is_alphanumeric);
        lines.kept.iter().rfind(is_told).cloned()
    }

    pub(crate) fn push(&self, stream: OutputStream, text: &str) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        // A line is at most as long as what is kept, apart from its marks.
        lines.bytes += text.len();
        lines.kept.push_back(OutputLine { at: SystemTime::now(), stream, text: text.into() });
        while lines.kept.len() > MAX_LINES || lines.bytes > MAX_TAIL && lines.kept.len() > 1 {
            let Some(oldest) = lines.kept.pop_front() else { break };
            lines.bytes -= oldest.text.len();
        }
        self.printed.send_modify(|printed| printed.lines += 1);
    }

    /// The runner has ended.
    pub(crate) fn close(&self) {
        self.printed.send_modify(|printed| printed.is_closed = true);
    }

    /// The kept lines from this position on.
    pub(crate) fn since(&self, position: u64) -> Tail {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let next = self.printed.borrow().lines;
        let kept = u64::try_from(lines.kept.len()).unwrap_or(u64::MAX);
        let skipped = position.saturating_sub(next.saturating_sub(kept));
        let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
        Tail { lines: lines.kept.iter().skip(skipped).cloned().collect(), next }
    }

    /// Tells when there is another line, or the runner has ended.
    pub(crate) fn watch(&self) -> watch::Receiver<Printed> {
        self.printed.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(tail: &Tail) -> Vec<&str> {
        tail.lines.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn the_last_eight_kibibytes_of_output_are_kept_s85a() {
        let tail = OutputTail::default();
        for number in 0..1_000 {
            tail.push(OutputStream::Stdout, &format!("line {number:04} {}", "x".repeat(90)));
        }
        let all = tail.since(0);
        let bytes: usize = all.lines.iter().map(|line| line.text.len()).sum();
        assert!(bytes <= MAX_TAIL && bytes > MAX_TAIL - 200, "{bytes}");
        assert!(texts(&all).last().unwrap().starts_with("line 0999"));
        assert_eq!(all.next, 1_000);
    }

    #[test]
    fn empty_lines_are_not_kept_without_end_s85a() {
        let tail = OutputTail::default();
        for _ in 0..1_000 {
            tail.push(OutputStream::Stdout, "");
        }
        let all = tail.since(0);
        assert_eq!((all.lines.len(), all.next), (MAX_LINES, 1_000));
        assert_eq!(tail.since(990).lines.len(), 10);
    }

    #[test]
    fn a_reader_continues_where_it_was() {
        let tail = OutputTail::default();
        tail.push(OutputStream::Stdout, "one");
        let first = tail.since(0);
        assert_eq!((texts(&first), first.next), (vec!["one"], 1));
        tail.push(OutputStream::Stderr, "two");
        let second = tail.since(first.next);
        assert_eq!((texts(&second), second.next), (vec!["two"], 2));
        assert!(tail.since(second.next).lines.is_empty());
    }

    #[test]
    fn a_line_that_is_longer_than_what_is_kept_is_kept_alone() {
        let tail = OutputTail::default();
        tail.push(OutputStream::Stdout, "one");
        tail.push(OutputStream::Stdout, &"x".repeat(MAX_TAIL + 6));
        assert_eq!(tail.since(0).lines.len(), 1);
    }
}
