//! Completes what the fleet says about a failure with what the host keeps of the runner (S119a).

use super::Driver;
use crate::details::RunnerDetails;
use crate::fleet::{EventKind, FailureCause, GaveUp, RestartError};
use crate::id::RunnerId;

impl Driver {
    pub(super) fn with_cause(&self, id: RunnerId, kind: EventKind) -> EventKind {
        match kind {
            EventKind::GaveUp(gave_up) => EventKind::GaveUp(self.with_cause_of_end(gave_up)),
            EventKind::RestartAborted { reason, cause } => {
                EventKind::RestartAborted { reason, cause: self.complete(id, cause) }
            }
            other => other,
        }
    }

    pub(super) fn with_cause_of_end(&self, gave_up: GaveUp) -> GaveUp {
        GaveUp { cause: self.complete(gave_up.runner, gave_up.cause), ..gave_up }
    }

    pub(super) fn with_cause_of_failure(&self, error: RestartError) -> RestartError {
        match error {
            RestartError::SuccessorFailed { runner, reason, cause } => {
                RestartError::SuccessorFailed { runner, reason, cause: self.complete(runner, cause) }
            }
            RestartError::HostStopped => RestartError::HostStopped,
        }
    }

    fn complete(&self, id: RunnerId, known: FailureCause) -> FailureCause {
        let details = RunnerDetails::of(id, self.sources());
        known.or(details.map(|details| details.cause()).unwrap_or_default())
    }
}
