//! Why requests wait: what the log and the client read when they have waited for too long (S84a).

use std::fmt;

use tokio::time::Instant;

use crate::RunnerId;
use crate::amounts::duration;
use crate::fleet::RunnerState;

/// Why a request gets no permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WaitCause {
    /// Other requests hold all permits.
    Busy,
    /// No runner is in the rotation.
    NoRunner,
    /// An operator has paused the host.
    Paused,
}

/// For clients: the beginning of a sentence.
impl fmt::Display for WaitCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Busy => "Every runner is busy",
            Self::NoRunner => "No runner takes requests now",
            Self::Paused => "The host is paused",
        })
    }
}

/// The runner that requests wait for while the rotation is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AwaitedRunner {
    pub(crate) id: RunnerId,
    pub(crate) state: RunnerState,
    /// Whether it is ready and waits for its first pass (S44b).
    pub(crate) awaits_first_pass: bool,
    /// Since when it is in this state.
    pub(crate) since: Instant,
}

impl fmt::Display for AwaitedRunner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, state, awaits_first_pass, since } = self;
        let (state, time) = (state.name(), duration(since.elapsed()));
        if *awaits_first_pass {
            write!(
                f,
                "runner {id} has been in {state} for {time}, where it waits for its first passed check"
            )?;
        } else {
            write!(f, "runner {id} has been in {state} for {time}")?;
        }
        write!(f, "; `explain {id}` says why")
    }
}
