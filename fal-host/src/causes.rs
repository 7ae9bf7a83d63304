//! Finds out why a runner has failed from what the host keeps of it (S119).

use fal_health::{Failure, Outcome};

use crate::check_info::CheckInfo;
use crate::circumstances::Circumstances;
use crate::details::{LiveOrEnded, RunnerDetails};
use crate::evidence::last_line;
use crate::fleet::FailureCause;

impl RunnerDetails {
    /// Why the runner has failed.
    pub(crate) fn cause(&self) -> FailureCause {
        let (exit, detail, checks) = match &self.runner {
            LiveOrEnded::Live(live) => (None, &live.info.detail, &live.checks),
            LiveOrEnded::Ended(ended) => (ended.exit, &ended.detail, &ended.checks),
        };
        let failed_check = || failed_check(checks.last()?, &self.circumstances);
        let detail = detail.clone().or_else(failed_check);
        FailureCause { exit, detail, last_line: last_line(&self.output).map(|line| line.text.clone()) }
    }
}

/// What a check called and what it found, if it failed.
fn failed_check(check: &CheckInfo, circumstances: &Circumstances) -> Option<String> {
    let CheckInfo { outcome: Outcome::Failure(failure), detail, .. } = check else { return None };
    let Circumstances { health_call, has_passed, .. } = circumstances;
    let call = health_call.as_ref().map(|call| format!(", {call}")).unwrap_or_default();
    let detail = detail.as_ref().map(|detail| format!(": {detail:?}")).unwrap_or_default();
    let never = match failure {
        _ if *has_passed => "",
        Failure::Status(300..=499) => "; no runner has ever passed it: are its method and its path right?",
        _ => "; no runner has ever passed it",
    };
    Some(format!("the last check{call}: {failure}{detail}{never}"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fal_health::Trigger;

    use super::*;

    fn told(outcome: Outcome, detail: Option<&str>, has_passed: bool) -> Option<String> {
        let check = CheckInfo {
            trigger: Trigger::Periodic,
            outcome,
            duration: Duration::ZERO,
            ago: Duration::ZERO,
            detail: detail.map(Into::into),
            requested_by: None,
        };
        failed_check(&check, &Circumstances { has_passed, ..Circumstances::default() })
    }

    #[test]
    fn a_failed_check_is_told_with_its_call_and_what_it_found_s119a() {
        let failed = |failure| Outcome::Failure(failure);
        for (outcome, detail, has_passed, expected) in [
            (failed(Failure::Status(503)), Some("no \"db\""), true, "status 503: \"no \\\"db\\\"\""),
            (failed(Failure::Timeout), None, true, "timeout"),
            (failed(Failure::Timeout), None, false, "timeout; no runner has ever passed it"),
            (
                failed(Failure::Status(404)),
                Some("Not Found"),
                false,
                "status 404: \"Not Found\"; no runner has ever passed it: are its method and its path right?",
            ),
        ] {
            let expected = format!("the last check, POST /health: {expected}");
            assert_eq!(told(outcome, detail, has_passed), Some(expected));
        }
    }

    #[test]
    fn a_check_that_has_passed_is_no_cause_s119a() {
        assert_eq!(told(Outcome::Pass, None, true), None);
    }
}
