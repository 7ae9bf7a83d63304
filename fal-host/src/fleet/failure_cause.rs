//! Why a runner has failed, in one line: what survives a host, a rolling restart or an upgrade (S119).

use std::fmt;

use super::exit::Exit;

/// Why a runner has failed, as far as the host knows it ([S119a](fal_health::semantics#s119a)).
///
/// Its [`Display`](fmt::Display) continues a sentence that names the runner and the reason of its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailureCause {
    /// How its process ended. `None` if it has not ended yet, or had none.
    pub exit: Option<Exit>,
    /// The error of its setup, why it could not be started, or its last check, if that failed.
    pub detail: Option<String>,
    /// The last line that it printed.
    pub last_line: Option<String>,
}

impl FailureCause {
    /// What this one does not know is taken from the other.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            exit: self.exit.or(other.exit),
            detail: self.detail.or(other.detail),
            last_line: self.last_line.or(other.last_line),
        }
    }
}

impl fmt::Display for FailureCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(exit) = self.exit {
            write!(f, " ({exit})")?;
        }
        if let Some(detail) = &self.detail {
            write!(f, ": {detail}")?;
        }
        self.last_line.as_ref().map_or(Ok(()), |line| write!(f, "; it printed last: {line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_of_a_failure_continues_a_sentence_s119a() {
        let known = FailureCause {
            exit: Some(Exit::Status(3)),
            detail: Some("no model".to_owned()),
            last_line: Some("loading".to_owned()),
        };
        assert_eq!(known.to_string(), " (status 3): no model; it printed last: loading");
        assert_eq!(FailureCause::default().to_string(), "");
        let last_line = FailureCause { last_line: Some("loading".to_owned()), ..FailureCause::default() };
        assert_eq!(last_line.clone().or(known.clone()), known);
    }
}
