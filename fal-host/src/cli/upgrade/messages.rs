//! What the two hosts of an upgrade say to each other: a line each, in this order.

use std::io;
use std::num::NonZeroUsize;

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

/// From the old host: the new one serves from now on.
pub(super) const SERVE: &str = "serve\n";

/// From the new host: it serves, and its Unix socket is there.
pub(super) const SERVING: &str = "serving\n";

/// What a new host reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SuccessorReport {
    Ready,
    /// Why it will not serve.
    Failed(String),
}

/// From the new host, before it exits.
pub(super) fn failed(why: &str) -> String {
    format!("failed {}\n", why.replace('\n', "; "))
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
    fn the_number_of_runners_goes_along_s90b() {
        let five = NonZeroUsize::new(5).unwrap();
        assert_eq!(parse_runners(&runners(five)).unwrap(), five);
        assert!(parse_runners("").is_err() && parse_runners("runners 0\n").is_err());
    }
}
