//! How a runner has lost a request that it held (S39c).

use std::fmt;

use crate::RunnerId;
use crate::fleet::Reason;

/// How a request was lost: the beginning of a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// The runner closed the connection, and the host does not know why.
    Closed,
    /// The host had sent the runner SIGTERM or SIGKILL.
    EndedByHost { runner: RunnerId, reason: Reason },
}

impl Loss {
    /// A loss at this runner. `reason`: why the host has ended it, if it has.
    pub(super) fn of(runner: Option<RunnerId>, reason: Option<Reason>) -> Self {
        match (runner, reason) {
            (Some(runner), Some(reason)) => Self::EndedByHost { runner, reason },
            _ => Self::Closed,
        }
    }

    /// What the client reads if a second runner has lost the request, too.
    pub(super) fn and_again(self, second: Self) -> String {
        match (self, second) {
            (Self::Closed, Self::Closed) => {
                "Two runners in turn closed the connection after the request was sent and before they answered."
                    .to_owned()
            }
            (first, second) => format!("{first}. The request was sent once more. {second}."),
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str(
                "The runner closed the connection after the request was sent and before it answered",
            ),
            Self::EndedByHost { runner, reason } => {
                write!(f, "The host ended runner {runner} ({reason}) while it held the request")
            }
        }
    }
}
