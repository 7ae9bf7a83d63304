//! Sentences about checks.

use std::time::{Duration, SystemTime};

use fal_health::{Failure, Inconclusive, Outcome, Trigger};

use super::explanation::{Explanation, time};
use crate::amounts::duration;
use crate::check_info::CheckInfo;
use crate::circumstances::{Circumstances, FailedCheck};
use crate::shared_cause::shared_cause;

/// A line that was printed at most this long before a check began may say why it failed.
const PRINTED_WITHIN: Duration = Duration::from_secs(10);

/// What separates a health check that is declared wrongly from an outage.
pub(super) fn never_passed(outcome: Outcome) -> String {
    let hint = match outcome {
        Outcome::Failure(Failure::Status(300..=399 | 404 | 405)) => {
            ": the health check itself may be wrong, such as its path"
        }
        _ => "",
    };
    format!("No runner of this host has ever passed a check{hint}.")
}

/// Tells the last check that failed, and the last one if it is another. `until` is the time that their ages count back from.
pub(super) fn tell_checks(
    explanation: &mut Explanation,
    checks: &[CheckInfo],
    until: SystemTime,
    circumstances: &Circumstances,
) {
    let call = circumstances.health_call.as_deref();
    let failed = checks.iter().rfind(|check| matches!(check.outcome, Outcome::Failure(_)));
    if let Some(failed) = failed {
        tell(explanation, "The last check that failed was", failed, until, call);
    }
    if let Some(last) = checks.last().filter(|last| !matches!(last.outcome, Outcome::Failure(_))) {
        tell(explanation, "The last check was", last, until, call);
    }
    // A server that does not answer says more in its output than what can be guessed.
    let silent = checks.last().filter(|_| failure_of(checks).is_some_and(|it| it.outcome.status().is_none()));
    let began = silent.and_then(|check| until.checked_sub(check.ago + check.duration));
    if let (Some(began), Some(line)) = (began, &circumstances.last_line) {
        let is_old = began.duration_since(line.at).is_ok_and(|before| before > PRINTED_WITHIN);
        explanation.fact(if is_old {
            format!("It has printed nothing since {}.", time(line.at))
        } else {
            format!("It printed last {:?}, which may say why.", line.text)
        });
    }
}

/// Says that other replicas have the same finding. Returns whether there are some.
pub(super) fn tell_sharing(
    explanation: &mut Explanation,
    index: usize,
    failure: &FailedCheck,
    circumstances: &Circumstances,
) -> bool {
    let sharing = circumstances.sharing(index, failure);
    if sharing > 0 {
        let others =
            if sharing == 1 { "1 other replica has" } else { &format!("{sharing} other replicas have") };
        explanation.fact(format!("{others} the same finding: {}.", shared_cause(failure.outcome)));
    }
    sharing > 0
}

/// The failure of the last check, if it failed.
pub(super) fn failure_of(checks: &[CheckInfo]) -> Option<FailedCheck> {
    let last = checks.last().filter(|check| matches!(check.outcome, Outcome::Failure(_)))?;
    Some(FailedCheck { outcome: last.outcome, detail: last.detail.clone() })
}

fn tell(explanation: &mut Explanation, what: &str, check: &CheckInfo, until: SystemTime, call: Option<&str>) {
    let CheckInfo { trigger, outcome, duration: took, ago, detail, requested_by } = check;
    let at = until.checked_sub(*ago).map(|at| format!(" at {}", time(at))).unwrap_or_default();
    let kind = match trigger {
        Trigger::Manual => "a manual one",
        _ => "a periodic one",
    };
    let call = call.map(|call| format!(" of {call}")).unwrap_or_default();
    let found = found(*outcome);
    let detail = detail.as_ref().map(|detail| format!(": {detail:?}")).unwrap_or_default();
    let text = format!("{what} {kind}{call}{at}. It took {} and {found}{detail}.", duration(*took));
    explanation.rule(rule(*outcome), text);
    if let Some(by) = requested_by {
        explanation.rule("S85f", format!("That check was asked for by {by}."));
    }
}

/// What a check found, as the end of a sentence.
pub(super) fn found(outcome: Outcome) -> String {
    match outcome {
        Outcome::Pass => "passed".to_owned(),
        Outcome::Failure(Failure::Status(status)) => format!("was answered with status {status}"),
        Outcome::Failure(Failure::Timeout) => "had no complete response in time (`timeout`)".to_owned(),
        Outcome::Failure(Failure::Connect) => "could not connect (`connect`)".to_owned(),
        Outcome::Failure(Failure::Disconnected) => {
            "lost its connection before the response was complete (`disconnected`)".to_owned()
        }
        Outcome::Failure(Failure::Malformed) => "was answered with malformed HTTP (`malformed`)".to_owned(),
        Outcome::Failure(Failure::Stalled) => {
            "was answered, but the runtime that serves requests does not run (`stalled`)".to_owned()
        }
        Outcome::Failure(Failure::Wedged) => {
            "was answered, but overdue requests hold every permit of the runner (`wedged`)".to_owned()
        }
        Outcome::Inconclusive(Inconclusive::HostLag(_)) => {
            "is inconclusive: the host itself was delayed (`host_lag`)".to_owned()
        }
        Outcome::Inconclusive(_) => {
            "is inconclusive: the host had no resources to make it (`could_not_ask`)".to_owned()
        }
        outcome => outcome.to_string(),
    }
}

const fn rule(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "S17",
        Outcome::Failure(Failure::Stalled) => "S53b",
        Outcome::Failure(Failure::Wedged) => "S53a",
        Outcome::Inconclusive(Inconclusive::HostLag(_)) => "S20b",
        Outcome::Inconclusive(_) => "S20a",
        _ => "S18a",
    }
}
