//! The rolling restarts that were requested, their callers and their outcomes.

use std::collections::VecDeque;

use tokio::sync::oneshot;

use crate::fleet::RestartError;

/// How many outcomes are kept.
const MAX_OUTCOMES: usize = 64;

/// How a rolling restart ended.
pub(crate) type RestartOutcome = Result<(), RestartError>;

/// How far a rolling restart is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RestartProgress {
    UnderWay,
    Ended(RestartOutcome),
}

/// The rolling restarts that were requested.
#[derive(Debug, Default)]
pub(super) struct Restarts {
    /// The number of the last one, from 1.
    last: u64,
    /// The last ones, with the outcome of each that has ended.
    known: VecDeque<(u64, RestartProgress)>,
    waiters: Vec<oneshot::Sender<RestartOutcome>>,
}

impl Restarts {
    /// Another one was requested. Returns its number. During another one it takes its place, and both end together.
    pub(super) fn requested(&mut self, waiter: Option<oneshot::Sender<RestartOutcome>>) -> u64 {
        self.last += 1;
        if self.known.len() == MAX_OUTCOMES {
            self.known.pop_front();
        }
        self.known.push_back((self.last, RestartProgress::UnderWay));
        self.waiters.extend(waiter);
        self.last
    }

    /// The one that was under way has ended.
    pub(super) fn ended(&mut self, outcome: &RestartOutcome) {
        for (_, known) in &mut self.known {
            if *known == RestartProgress::UnderWay {
                *known = RestartProgress::Ended(outcome.clone());
            }
        }
        for waiter in self.waiters.drain(..) {
            // It may have stopped waiting.
            let _ = waiter.send(outcome.clone());
        }
    }

    /// How far a restart is. `None` if there was none with this number, or it was long ago.
    pub(super) fn progress(&self, number: u64) -> Option<RestartProgress> {
        self.known.iter().find(|(known, _)| *known == number).map(|(_, outcome)| outcome.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restart_during_another_one_has_a_number_of_its_own_and_the_same_outcome_s52c() {
        let mut restarts = Restarts::default();
        assert_eq!((restarts.requested(None), restarts.requested(None)), (1, 2));
        assert_eq!(restarts.progress(1), Some(RestartProgress::UnderWay));
        restarts.ended(&Ok(()));
        assert_eq!(restarts.requested(None), 3);
        restarts.ended(&Err(RestartError::HostStopped));
        assert_eq!(restarts.progress(1), Some(RestartProgress::Ended(Ok(()))));
        assert_eq!(restarts.progress(2), Some(RestartProgress::Ended(Ok(()))));
        assert_eq!(restarts.progress(3), Some(RestartProgress::Ended(Err(RestartError::HostStopped))));
        assert_eq!(restarts.progress(4), None);
    }

    #[test]
    fn old_outcomes_are_forgotten() {
        let mut restarts = Restarts::default();
        for _ in 0..=MAX_OUTCOMES {
            restarts.requested(None);
            restarts.ended(&Ok(()));
        }
        assert_eq!(restarts.progress(1), None);
        assert_eq!(restarts.progress(2), Some(RestartProgress::Ended(Ok(()))));
    }
}
