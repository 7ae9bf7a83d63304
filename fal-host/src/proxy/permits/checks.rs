//! The manual checks of one runner, and the permits that are held until they end (S30, S31).

/// Names the manual check that answers one request for a check: the first that starts after the request (S31).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::proxy) struct CheckTicket(u64);

/// One runner's manual checks, and how many permits are held for each (S30).
#[derive(Debug, Default)]
pub(super) struct Checks {
    started: u64,
    /// The number of the last check that has ended. A check runs while `ended < started`.
    ended: u64,
    /// Permits held for the running check.
    answering: u32,
    /// Permits held for the check after it.
    waiting: u32,
}

impl Checks {
    /// A response asks for a check now.
    pub(super) fn ask(&self) -> CheckTicket {
        CheckTicket(self.started + 1)
    }

    /// Holds the permit of a request that asked and has ended, unless its check has ended before. Returns whether the
    /// permit is held.
    pub(super) fn hold(&mut self, CheckTicket(check): CheckTicket) -> bool {
        let held = check > self.ended;
        if held && check <= self.started {
            self.answering += 1;
        } else if held {
            self.waiting += 1;
        }
        held
    }

    /// How many permits are held.
    pub(super) fn held(&self) -> u32 {
        self.answering + self.waiting
    }

    /// A manual check starts: it answers every request for a check so far.
    pub(super) fn start(&mut self) {
        self.started += 1;
        self.answering += std::mem::take(&mut self.waiting);
    }

    /// The manual check has ended: the permits held for it are free.
    pub(super) fn end(&mut self) {
        self.ended = self.started;
        self.answering = 0;
    }

    /// A manual check was inconclusive: every held permit is free. Its next attempt counts as a new check (S20).
    pub(super) fn release(&mut self) {
        self.end();
        self.waiting = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_before_the_check_starts_share_it_s31b() {
        let mut checks = Checks::default();
        let (first, second) = (checks.ask(), checks.ask());
        assert!(checks.hold(first));
        checks.start();
        assert!(checks.hold(second), "a response that is still being sent is answered by the same check");
        assert_eq!(checks.held(), 2);
        checks.end();
        assert_eq!(checks.held(), 0);
    }

    #[test]
    fn requests_while_the_check_runs_share_exactly_one_more_s31c() {
        let mut checks = Checks::default();
        checks.start();
        let late = checks.ask();
        assert!(checks.hold(late));
        checks.end();
        assert_eq!(checks.held(), 1);
        checks.start();
        checks.end();
        assert_eq!(checks.held(), 0);
    }

    #[test]
    fn a_response_that_outlives_its_check_holds_nothing_s30() {
        let mut checks = Checks::default();
        let asked = checks.ask();
        checks.start();
        checks.end();
        assert!(!checks.hold(asked));
        assert_eq!(checks.held(), 0);
    }

    #[test]
    fn an_inconclusive_check_releases_every_permit_s20d() {
        let mut checks = Checks::default();
        let early = checks.ask();
        checks.hold(early);
        checks.start();
        let late = checks.ask();
        checks.hold(late);
        checks.release();
        assert_eq!(checks.held(), 0);
        assert!(!checks.hold(early));
        assert!(checks.hold(checks.ask()), "the next try answers later requests for a check");
    }
}
