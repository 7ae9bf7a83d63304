//! What the two hosts of an upgrade say to each other: a line each, in this order.

use std::io;
use std::num::NonZeroUsize;
use std::time::Duration;

use crate::cli::escape::escape_control_characters;

/// From the old host, before it starts the new one: how many runners it keeps.
pub(super) fn runners(count: NonZeroUsize) -> String {
    format!("runners {count}\n")
}

pub(super) fn parse_runners(line: &str) -> io::Result<NonZeroUsize> {
    let count = line.trim_end().strip_prefix("runners ").and_then(|count| count.parse().ok());
    count.ok_or_else(|| {
        io::Error::other(format!("the old host says {line:?}, which this version does not understand"))
    })
}

/// From the new host: every replica has a runner in the rotation.
pub(super) const READY: &str = "ready\n";

/// From the old host, the last that it says: whether the new one serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// The new one serves from now on.
    Serve,
    /// The same, and it is paused, as the old one has been for this time.
    ServePaused(Duration),
    /// The time is up, and the new one says what it waits for.
    GiveUp,
    /// The old one stops.
    Stop,
}

impl Decision {
    pub(super) fn line(self) -> String {
        match self {
            Self::Serve => "serve\n".to_owned(),
            Self::ServePaused(paused_for) => format!("serve paused {}\n", paused_for.as_millis()),
            Self::GiveUp => "give up\n".to_owned(),
            Self::Stop => "stop\n".to_owned(),
        }
    }

    /// `None` if the old host has ended without an answer.
    pub(super) fn parse(line: &str) -> Option<Self> {
        Some(match line.strip_suffix('\n')? {
            "serve" => Self::Serve,
            "give up" => Self::GiveUp,
            "stop" => Self::Stop,
            other => {
                Self::ServePaused(Duration::from_millis(other.strip_prefix("serve paused ")?.parse().ok()?))
            }
        })
    }
}

/// From the new host: it serves, and its Unix socket is there.
pub(super) const SERVING: &str = "serving\n";

/// From the new host, if it was paused: an operator has resumed it.
pub(super) const RESUMED: &str = "resumed\n";

/// Whether the new host has said this.
pub(super) fn has_said(received: &[u8], line: &str) -> bool {
    received.split_inclusive(|byte| *byte == b'\n').any(|said| said == line.as_bytes())
}

/// What a new host reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SuccessorReport {
    Ready,
    /// Why it will not serve.
    Failed(String),
}

/// From the new host, before it exits.
pub(super) fn failed(why: &str) -> String {
    // It may have a line that a runner printed.
    format!("failed {}\n", escape_control_characters(&why.replace('\n', "; ")))
}

/// The first report in what has arrived. `None` if it is not complete yet.
pub(super) fn parse_report(received: &[u8]) -> Option<SuccessorReport> {
    let end = received.iter().position(|byte| *byte == b'\n')?;
    let line = String::from_utf8_lossy(received.get(..end)?);
    Some(match line.strip_prefix("failed ") {
        Some(why) => SuccessorReport::Failed(why.to_owned()),
        None if format!("{line}\n") == READY => SuccessorReport::Ready,
        None => SuccessorReport::Failed(format!("it says {line:?}, which this version does not understand")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_a_whole_line_s91b() {
        assert_eq!(parse_report(b"rea"), None);
        assert_eq!(parse_report(READY.as_bytes()), Some(SuccessorReport::Ready));
        let two_lines = failed("no\nway");
        assert_eq!(parse_report(two_lines.as_bytes()), Some(SuccessorReport::Failed("no; way".to_owned())));
        assert!(
            matches!(parse_report(b"later\n"), Some(SuccessorReport::Failed(why)) if why.contains("later"))
        );
    }

    #[test]
    fn an_answer_is_read_as_it_was_written_s90b() {
        let paused = Decision::ServePaused(Duration::from_millis(12_345));
        for answer in [Decision::Serve, paused, Decision::GiveUp, Decision::Stop] {
            assert_eq!(Decision::parse(&answer.line()), Some(answer));
        }
        assert_eq!(Decision::parse(""), None);
        assert_eq!(Decision::parse("serve"), None, "it may have been cut off");
    }

    #[test]
    fn two_lines_may_arrive_together() {
        let received = b"ready\nserving\nresu";
        assert!(has_said(received, SERVING) && !has_said(received, RESUMED));
        assert!(has_said(b"ready\nserving\nresumed\n", RESUMED));
    }

    #[test]
    fn the_number_of_runners_goes_along_s90b() {
        let five = NonZeroUsize::new(5).unwrap();
        assert_eq!(parse_runners(&runners(five)).unwrap(), five);
        assert!(parse_runners("").is_err() && parse_runners("runners 0\n").is_err());
    }
}
