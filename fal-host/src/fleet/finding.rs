//! What the host finds out by one check, and what its outcome is (S17, S18, S20, S53).

use std::time::Duration;

use fal_health::{Check, Failure, Inconclusive, Outcome, Trigger};

/// The result of a check that passes while the runner's request runtime is stalled
/// ([S53b](fal_health::semantics#s53b)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnStall {
    /// The failure `stalled`, and an event. A manual check of an app with periodic checks passes.
    #[default]
    Fail,
    /// A pass, and an event.
    Note,
}

/// What the host found out by one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// What the health endpoint answered.
    pub(crate) answer: Outcome,
    /// How long the host itself was kept from running during the check.
    pub(crate) host_lag: Duration,
    /// How long ago the request runtime of the runner ran last. `None` where the runner does not say.
    pub(crate) canary: Option<Duration>,
    /// How long the oldest request of the runner has been in progress, where the runner says it.
    pub(crate) oldest_request: Option<Duration>,
    /// Whether overdue requests hold every permit of the runner (S53a).
    pub(crate) is_wedged: bool,
}

impl From<Outcome> for Finding {
    fn from(answer: Outcome) -> Self {
        Self { answer, host_lag: Duration::ZERO, canary: None, oldest_request: None, is_wedged: false }
    }
}

impl Finding {
    /// How long the request runtime has been stalled, if that is at least as long as a check may take (S53b).
    pub(super) fn stalled(&self, timeout: Duration) -> Option<Duration> {
        self.canary.filter(|canary| *canary >= timeout)
    }

    /// The outcome of the check.
    pub(super) fn outcome(&self, check: Check, on_stall: OnStall, has_periodic_checks: bool) -> Outcome {
        // A failed manual check ends the runner, and one late request must not do that (S53a).
        let counts_requests = check.trigger == Trigger::Periodic || !has_periodic_checks;
        match self.answer {
            Outcome::Failure(Failure::Timeout) if lag_explains_timeout(self.host_lag, check.timeout) => {
                Outcome::Inconclusive(Inconclusive::HostLag(Failure::Timeout))
            }
            Outcome::Pass if counts_requests && self.is_wedged => Outcome::Failure(Failure::Wedged),
            Outcome::Pass
                if counts_requests && on_stall == OnStall::Fail && self.stalled(check.timeout).is_some() =>
            {
                Outcome::Failure(Failure::Stalled)
            }
            answer => answer,
        }
    }
}

/// Whether the time that the host lost explains a timeout: the runner had less than three quarters of its time, unless
/// it lost the same time itself (S20). Lag explains no other failure.
fn lag_explains_timeout(lost: Duration, timeout: Duration) -> bool {
    lost >= timeout / 4
}

#[cfg(test)]
mod tests {
    use fal_health::{HealthCheck, Lifespan, Monitor, Schedule, Time};

    use super::*;

    const PERIODIC: bool = true;
    const TIMEOUT: Outcome = Outcome::Failure(Failure::Timeout);
    const STALLED: Outcome = Outcome::Failure(Failure::Stalled);
    const WEDGED: Outcome = Outcome::Failure(Failure::Wedged);

    /// A check of four seconds.
    fn check(trigger: Trigger) -> Check {
        let schedule = Schedule::new(Duration::from_secs(1), 0);
        let lifespan = Lifespan::new(Time::ZERO, None);
        let mut monitor = Monitor::new(HealthCheck::new().timeout_seconds(4), lifespan, schedule);
        monitor.handle(Time::ZERO, fal_health::Event::Ready);
        let command = monitor.handle(Time::ZERO, fal_health::Event::ManualRequested);
        let Some(fal_health::Command::Start(mut check)) = command else { panic!("{command:?}") };
        check.trigger = trigger;
        check
    }

    fn outcome(finding: Finding) -> Outcome {
        finding.outcome(check(Trigger::Periodic), OnStall::Fail, PERIODIC)
    }

    #[test]
    fn lag_of_a_quarter_of_the_timeout_excuses_only_a_timeout_s20b() {
        let lag =
            |millis, answer| Finding { host_lag: Duration::from_millis(millis), ..Finding::from(answer) };
        let excused = Outcome::Inconclusive(Inconclusive::HostLag(Failure::Timeout));
        assert_eq!(outcome(lag(1_000, TIMEOUT)), excused);
        assert_eq!(outcome(lag(999, TIMEOUT)), TIMEOUT);
        for failure in [Failure::Connect, Failure::Disconnected, Failure::Status(500)] {
            assert_eq!(outcome(lag(5_000, Outcome::Failure(failure))), Outcome::Failure(failure));
        }
        assert_eq!(outcome(lag(5_000, Outcome::Pass)), Outcome::Pass);
    }

    #[test]
    fn a_pass_of_a_stalled_runner_is_a_failure_or_a_pass_as_set_s17_s53b() {
        let stalled =
            |millis| Finding { canary: Some(Duration::from_millis(millis)), ..Outcome::Pass.into() };
        assert_eq!(outcome(stalled(4_000)), STALLED);
        assert_eq!(outcome(stalled(3_999)), Outcome::Pass);
        assert_eq!(outcome(Outcome::Pass.into()), Outcome::Pass, "a runner that reports no progress");
        let noted = stalled(60_000).outcome(check(Trigger::Periodic), OnStall::Note, PERIODIC);
        assert_eq!(noted, Outcome::Pass);
        assert_eq!(outcome(Finding { answer: TIMEOUT, ..stalled(60_000) }), TIMEOUT);
    }

    #[test]
    fn a_pass_of_a_wedged_runner_is_a_failure_s53a() {
        let wedged = |answer| Finding { is_wedged: true, ..Finding::from(answer) };
        assert_eq!(outcome(wedged(Outcome::Pass)), WEDGED);
        let status = Outcome::Failure(Failure::Status(500));
        assert_eq!(outcome(wedged(status)), status);
    }

    #[test]
    fn a_manual_check_counts_requests_only_in_an_app_without_periodic_checks_s53a_s53b() {
        let (manual, fail) = (check(Trigger::Manual), OnStall::Fail);
        let wedged = Finding { is_wedged: true, ..Outcome::Pass.into() };
        let stalled = Finding { canary: Some(Duration::from_secs(60)), ..Outcome::Pass.into() };
        for (finding, failure) in [(wedged, WEDGED), (stalled, STALLED)] {
            assert_eq!(finding.outcome(manual, fail, PERIODIC), Outcome::Pass);
            assert_eq!(finding.outcome(manual, fail, !PERIODIC), failure);
        }
    }
}
