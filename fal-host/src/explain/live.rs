//! Why a runner is in its state.

use std::time::{Duration, SystemTime};

use fal_health::Verdict;

use super::checks::{failure_of, found, never_passed, tell_checks, tell_sharing};
use super::explanation::{Explanation, counted, time};
use super::reasons::because;
use super::requests::tell_requests;
use crate::amounts::duration;
use crate::circumstances::{Circumstances, LastEnded};
use crate::details::{LiveInfo, StepInfo};
use crate::fleet::{Reason, RunnerState, StepKind};
use crate::snapshot::{HealthInfo, RunnerInfo};

/// Explains a runner that has not ended.
pub(super) fn explain(live: &LiveInfo, steps: &[StepInfo], circumstances: &Circumstances) -> Explanation {
    let LiveInfo { info, started_at, checks } = live;
    let RunnerInfo { id, index, state, .. } = info;
    let process = info.pid.map(|pid| format!(", process {pid}")).unwrap_or_default();
    let mut told = Explanation::new(format!("runner {id} (replica {index}{process}) is {}", state.name()));
    tell_state(&mut told, info, steps, circumstances);
    let is_up = matches!(state, RunnerState::Setup | RunnerState::Idle | RunnerState::Running);
    if let Some(paused_for) = circumstances.paused_for.filter(|_| is_up) {
        let since = circumstances.now.checked_sub(paused_for).map(time).unwrap_or_default();
        told.rule(
            "S87c",
            format!("The host has been paused since {since}: no runner gets requests until `resume`."),
        );
    }
    tell_requests(&mut told, info, circumstances);
    if info.pid.is_some() {
        told.fact(format!("Its process started at {} and is {} old.", time(*started_at), duration(info.age)));
    }
    if is_up {
        match &info.health {
            Some(health) => tell_health(&mut told, info, health, circumstances),
            None => told.rule(
                "S34",
                "The app declares no health check, so the host replaces it only when its process ends.",
            ),
        }
    }
    tell_checks(&mut told, checks, circumstances.now, circumstances);
    let failure = failure_of(checks);
    let is_shared =
        failure.as_ref().is_some_and(|failure| tell_sharing(&mut told, info.index, failure, circumstances));
    if info.deferred && !is_shared {
        let answered = failure.as_ref().is_some_and(|failure| failure.outcome.status().is_some());
        let example = if answered { ", such as a database" } else { "" };
        told.fact(format!(
            "Runners that become unhealthy together usually share the cause{example}: repair that first."
        ));
    }
    if let Some(failure) = failure.filter(|_| info.awaits_first_pass && !circumstances.has_passed) {
        told.rule("S44b", never_passed(failure.outcome));
    }
    tell_plans(&mut told, info, circumstances);
    told
}

fn tell_state(told: &mut Explanation, info: &RunnerInfo, steps: &[StepInfo], circumstances: &Circumstances) {
    let since = steps.last().map_or(SystemTime::UNIX_EPOCH, |step| step.at);
    let began = time(since);
    let until = |limit: Duration| since.checked_add(limit).map(time).unwrap_or_default();
    match info.state {
        RunnerState::CrashBackoff => tell_backoff(told, info, circumstances),
        RunnerState::Pending => match info.awaits_start_of {
            Some(other) => {
                told.rule("S61a", format!("Its start waits for that of runner {other}: one process starts at a time."));
            }
            None => told.rule("S37b", format!("The host has been starting its process since {began}.")),
        },
        RunnerState::Setup if info.awaits_first_pass => told.rule(
            "S44b",
            format!(
                "It has been ready since {began}. It gets no requests until it passes a check; checks follow every {} \
                 after an outcome.",
                duration(circumstances.start_check_interval)
            ),
        ),
        RunnerState::Setup => {
            told.rule(
                "S35c",
                format!(
                    "Its setup has been running since {began}. If it is not ready by {}, it is replaced.",
                    until(circumstances.startup_limit)
                ),
            );
            if let Some(progress) = &info.progress {
                told.fact(format!("Its setup says: {:.0} %, {:?}.", progress.fraction * 100.0, progress.message));
            }
        }
        RunnerState::Idle if info.spare => told.rule(
            "S75a",
            format!("It is a spare since {began}: ready, and out of the rotation until another runner leaves it."),
        ),
        RunnerState::Idle => told.rule(
            "S37d",
            format!("It has been in the rotation since {began} and has no request in flight."),
        ),
        RunnerState::Running => told.rule(
            "S37d",
            format!(
                "It has been in the rotation since {began} and has {} in flight.",
                counted(info.in_flight, "request")
            ),
        ),
        RunnerState::Draining => told.rule(
            "S33d",
            format!(
                "It left the rotation at {began}{}. It finishes {} until {} at the latest, and then gets SIGTERM.",
                why(info.reason),
                counted(info.in_flight, "request"),
                until(circumstances.drain_timeout)
            ),
        ),
        _ if steps.last().is_some_and(|step| step.kind == StepKind::Killed) => told.rule(
            "S60b",
            format!("Its processes were sent SIGKILL at {began}{} and have not ended.", why(info.reason)),
        ),
        _ => told.rule(
            "S33b",
            format!(
                "It was sent SIGTERM at {began}{}. Its requests in flight may finish until {}; then it gets SIGKILL.",
                why(info.reason),
                until(circumstances.grace_period)
            ),
        ),
    }
    if let Some(detail) = &info.detail {
        told.fact(format!("In detail: {detail:?}."));
    }
}

fn tell_backoff(told: &mut Explanation, info: &RunnerInfo, circumstances: &Circumstances) {
    let (failed, rest) =
        info.backoff.map_or((0, Duration::ZERO), |backoff| (backoff.failed_starts, backoff.remaining));
    told.rule(
        "S35d",
        format!(
            "The last {} of replica {} failed, so this one waits for another {}.",
            counted(failed, "start"),
            info.index,
            duration(rest)
        ),
    );
    if let Some(LastEnded { id, reason, detail, failure }) = circumstances.last_ended.get(&info.index) {
        let detail = detail.as_ref().map(|detail| format!(": {detail:?}")).unwrap_or_default();
        told.rule(
            "S35c",
            format!(
                "The last one was runner {id}, which ended as `{reason}`{detail}. `explain {id}` says more."
            ),
        );
        if let Some(failure) = failure {
            let detail = failure.detail.as_ref().map(|detail| format!(": {detail:?}")).unwrap_or_default();
            told.rule("S18a", format!("Its last check {}{detail}.", found(failure.outcome)));
            tell_sharing(told, info.index, failure, circumstances);
        }
    }
}

fn tell_health(
    told: &mut Explanation,
    info: &RunnerInfo,
    health: &HealthInfo,
    circumstances: &Circumstances,
) {
    let threshold = health.failure_threshold;
    match health.verdict {
        Verdict::Healthy => {
            told.rule("S22", "It is healthy.");
            if info.has_ignored_failure() {
                let start_period = duration(health.effective_start_period);
                told.rule(
                    "S9",
                    format!("Its last check failed, which does not count before it is {start_period} old."),
                );
            }
        }
        Verdict::Failing { streak } => told.rule(
            "S24",
            format!(
                "It is failing: {streak} of {threshold} failures in a row. At {threshold} it is replaced."
            ),
        ),
        Verdict::Unhealthy if info.deferred => {
            let most = circumstances.max_replacing.unwrap_or(usize::MAX);
            told.rule(
                "S40d",
                format!(
                    "It is unhealthy, and its replacement waits: of at most {most} at a time (`--max-replacing`), {} are under \
                     way. It keeps its requests, and a passed check makes it healthy again.",
                    circumstances.replacing
                ),
            );
        }
        Verdict::Unhealthy => told.rule("S24", "It is unhealthy and will be replaced."),
        // No check is made before it is ready (S11).
        _ if info.state == RunnerState::Setup && !info.awaits_first_pass => {}
        _ if !circumstances.has_periodic_checks => {
            told.rule("S32a", "It is checked only when a response or an operator asks for it.");
        }
        _ if health.effective_start_period.is_zero() => {
            told.rule("S9", "Its health is unknown: no check has passed or counted.");
        }
        _ => {
            let start_period = health.effective_start_period;
            told.rule(
                "S9",
                format!(
                    "Its health is unknown: no check has passed or counted. Failures do not count before it is {} old.",
                    duration(start_period)
                ),
            );
        }
    }
    if health.wedged {
        told.rule(
            "S53a",
            "Overdue requests hold every permit, so checks that would pass fail as `wedged`. Find out where they hang.",
        );
    }
    if let Some(stalled) = health.stalled {
        told.rule(
            "S53b",
            format!("Its request runtime had not run for {} at the last check.", duration(stalled)),
        );
    }
    if let Some(oldest) = health.oldest_request {
        told.fact(format!(
            "Its oldest request had been in progress for {} at the last check.",
            duration(oldest)
        ));
    }
    if circumstances.has_periodic_checks && info.state != RunnerState::Setup {
        told.rule("S12a", format!("It is checked every {}.", duration(circumstances.check_interval)));
    }
}

fn tell_plans(told: &mut Explanation, info: &RunnerInfo, circumstances: &Circumstances) {
    let successor = circumstances.newest.get(&info.index).filter(|(id, _)| *id > info.id);
    match info.replacement_due {
        Some(Reason::Operator) => {
            told.rule("S87a", "An operator ordered its replacement. It serves until its successor is healthy.");
        }
        Some(limit) => told.rule(
            "S54c",
            match successor {
                Some((id, state)) => format!(
                    "It has reached its limit on `{limit}`. Its successor is runner {id}, which is in {}. It serves until that one takes \
                     requests.",
                    state.name()
                ),
                None => format!(
                    "It has reached its limit on `{limit}` and will be replaced. It waits while as many replacements are \
                     under way as `--max-replacing` allows, and during a rolling restart."
                ),
            },
        ),
        None => {}
    }
    if info.awaits_min_healthy {
        told.rule(
            "S52a",
            "It is a successor. The runner before it stays until this one has been healthy for the minimum healthy time.",
        );
    }
}

/// The reason of an end that has begun, as a part of a sentence.
fn why(reason: Option<Reason>) -> String {
    reason.map(|reason| format!(", because {}", because(reason))).unwrap_or_default()
}
