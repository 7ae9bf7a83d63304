//! How a runner ended, and why.

use std::time::{Duration, SystemTime};

use fal_health::{Failure, Outcome};

use super::checks::{failure_of, never_passed, tell_checks, tell_sharing};
use super::explanation::{Explanation, time};
use super::reasons::{because, rule};
use crate::amounts::{duration, memory};
use crate::circumstances::Circumstances;
use crate::details::StepInfo;
use crate::ended_info::EndedInfo;
use crate::evidence::OomEvidence;
use crate::fleet::{ENDED_EARLY, Exit, NOT_READY, Reason, RestartStatus, StepKind};
use crate::id::RunnerId;
use crate::launch::{NOT_EXECUTED, NOT_LISTENING};
use crate::proxy::LostRequests;

/// Explains a runner that has ended.
pub(super) fn explain(ended: &EndedInfo, steps: &[StepInfo], circumstances: &Circumstances) -> Explanation {
    let EndedInfo { id, index, reason, .. } = ended;
    let process = ended.pid.map(|pid| format!(", process {pid}")).unwrap_or_default();
    let mut told = Explanation::new(format!("runner {id} (replica {index}{process}) ended: {reason}"));
    let because = if *reason == Reason::SetupFailed { why_not_started(ended) } else { because(*reason) };
    told.rule(rule(*reason), format!("It ended because {because}."));
    if let Some(detail) = ended.detail.as_ref().filter(|detail| *detail != because) {
        told.fact(format!("In detail: {detail:?}."));
    }
    match reason {
        Reason::Memory | Reason::Age | Reason::Requests => {
            told.rule("S54b", "The limit of each runner is up to a tenth below the setting.");
        }
        _ => {}
    }
    tell_life(&mut told, ended, steps, circumstances);
    tell_exit(&mut told, ended, steps);
    tell_usage(&mut told, ended);
    tell_lost_requests(&mut told, ended);
    tell_checks(&mut told, &ended.checks, ended.ended_at, circumstances);
    let is_unhealthy = matches!(reason, Reason::Unhealthy | Reason::ManualCheckFailed);
    if let Some(failure) = failure_of(&ended.checks).filter(|_| is_unhealthy && !circumstances.has_passed) {
        told.rule("S44b", never_passed(failure.outcome));
    }
    if let Some(advice) = advice(ended) {
        told.fact(advice);
    }
    if let (Reason::Unhealthy | Reason::ManualCheckFailed, Some(failure)) =
        (reason, failure_of(&ended.checks))
    {
        tell_sharing(&mut told, *index, &failure, circumstances);
    }
    tell_restart(&mut told, *id, *reason, circumstances);
    if began(steps, StepKind::Killed).is_some() && began(steps, StepKind::Terminating).is_some() {
        told.fact("Make it end sooner after SIGTERM, or allow more time with `termination_grace_period` (`fal-host --grace-period`).");
    }
    told
}

/// Tells what the end has to do with a rolling restart that was aborted.
fn tell_restart(told: &mut Explanation, id: RunnerId, reason: Reason, circumstances: &Circumstances) {
    let Some(RestartStatus::Aborted { runner: failed, .. }) = circumstances.restart else { return };
    if failed == id {
        told.rule(
            "S52b",
            "It was a new runner of a rolling restart, which ended with it. The runners that it had not replaced serve on.",
        );
    } else if reason == Reason::RestartAborted {
        told.fact(format!("That was runner {failed}: `explain {failed}` says why it failed."));
    }
}

fn began(steps: &[StepInfo], kind: StepKind) -> Option<SystemTime> {
    steps.iter().find(|step| step.kind == kind).map(|step| step.at)
}

/// Tells what happened between the start and the end, with times.
fn tell_life(told: &mut Explanation, ended: &EndedInfo, steps: &[StepInfo], circumstances: &Circumstances) {
    let EndedInfo { started_at, ended_at, .. } = ended;
    let between = |from: SystemTime, to: SystemTime| duration(to.duration_since(from).unwrap_or_default());
    if ended.pid.is_some() || ended.exit.is_some() {
        let lived = between(*started_at, *ended_at);
        told.fact(format!(
            "Its process started at {} and ended at {}, after {lived}.",
            time(*started_at),
            time(*ended_at)
        ));
    }
    match began(steps, StepKind::InRotation) {
        Some(at) => {
            told.rule(
                "S44",
                format!(
                    "It took requests from {} on, {} after its start.",
                    time(at),
                    between(*started_at, at)
                ),
            );
        }
        None => told.rule("S44b", "It never took requests."),
    }
    if let Some(at) = began(steps, StepKind::Draining) {
        told.rule(
            "S33d",
            format!(
                "It left the rotation at {} and could finish its requests for up to {}.",
                time(at),
                duration(circumstances.drain_timeout)
            ),
        );
    }
    let terminated = began(steps, StepKind::Terminating);
    if let Some(at) = terminated {
        told.rule(
            "S33a",
            format!("The host sent it SIGTERM at {}; it ended {} later.", time(at), between(at, *ended_at)),
        );
    }
    if let Some(at) = began(steps, StepKind::Killed) {
        let grace = duration(circumstances.grace_period);
        let why = if terminated.is_some() {
            format!(", because it had not ended within the grace period of {grace}")
        } else {
            String::new()
        };
        told.rule("S33c", format!("The host sent its processes SIGKILL at {}{why}.", time(at)));
    }
}

fn tell_exit(told: &mut Explanation, ended: &EndedInfo, steps: &[StepInfo]) {
    let was_not_executed = ended.detail.as_ref().is_some_and(|detail| detail.starts_with(NOT_EXECUTED));
    let was_killed_by_host = began(steps, StepKind::Killed).is_some() || was_not_executed;
    match ended.exit {
        Some(Exit::Status(status)) => told.fact(format!("Its process exited with status {status}.")),
        Some(exit @ Exit::Signal(signal)) => {
            told.fact(format!("Its process was ended by {exit}."));
            if ended.oom_killed.is_none() && signal == libc::SIGKILL && !was_killed_by_host {
                told.fact(
                    "The host did not send that signal: an operator, a container runtime or the system did.",
                );
            }
        }
        Some(Exit::Unknown) => told.fact("The system did not tell how its process ended."),
        None => {}
    }
    match ended.oom_killed {
        Some(OomEvidence::RunnerCgroup) => told.rule(
            "S85c",
            "The kernel killed it because memory ran out: its control group counts an out-of-memory kill.",
        ),
        Some(OomEvidence::HostCgroup) => told.rule(
            "S85c",
            "The kernel probably killed it because memory ran out: the control group of the host counts an \
             out-of-memory kill at that time.",
        ),
        Some(OomEvidence::Machine) => told.rule(
            "S85c",
            "The kernel probably killed it because memory ran out: the machine counts an out-of-memory kill at that \
             time.",
        ),
        None => {}
    }
    if ended.core_dumped {
        told.rule(
            "S85b",
            "The kernel wrote a core dump; `coredumpctl` or `/proc/sys/kernel/core_pattern` says where.",
        );
    }
}

fn tell_usage(told: &mut Explanation, ended: &EndedInfo) {
    let memory = ended.peak_memory.map(|bytes| format!("at most {} of resident memory", memory(bytes)));
    let time = ended.cpu_time.map(|time| format!("{} of processor time", duration(time)));
    let used: Vec<_> = memory.into_iter().chain(time).collect();
    if !used.is_empty() {
        told.rule("S85b", format!("Its process used {}.", used.join(" and ")));
    }
}

/// Which step of its start has failed.
fn why_not_started(ended: &EndedInfo) -> &'static str {
    match &ended.detail {
        _ if ended.pid.is_none() && ended.exit.is_none() => "its process could not be started",
        Some(detail) if !detail.ends_with(ENDED_EARLY) => "its setup failed",
        _ => ENDED_EARLY,
    }
}

/// Tells which requests were lost with a runner that ended by itself.
fn tell_lost_requests(told: &mut Explanation, ended: &EndedInfo) {
    let lost = &ended.lost_requests;
    let Some((first, others)) = lost.split_first() else {
        if ended.reason == Reason::Exited {
            told.rule("S39c", "No request was lost with it.");
        }
        return;
    };
    let others = match others.len() {
        0 => String::new(),
        count if lost.len() == LostRequests::KEPT => {
            format!(", and at least {count} more, which the log names")
        }
        count => format!(", and {count} more, which the log names"),
    };
    told.rule("S39c", format!("Requests were lost with it: {first}{others}."));
}

/// What to do about an end that is a fault.
fn advice(ended: &EndedInfo) -> Option<String> {
    let lived = ended.ended_at.duration_since(ended.started_at).unwrap_or_default();
    let advice = match ended.reason {
        _ if ended.oom_killed.is_some() => {
            "Give it more memory, make it use less, or replace it earlier with `--max-memory`."
        }
        Reason::Unhealthy | Reason::ManualCheckFailed => {
            let failed = ended.checks.iter().rfind(|check| matches!(check.outcome, Outcome::Failure(_)));
            failed.map_or(SEE_CHECK, |check| advice_after(check.outcome, check.has_finding()))
        }
        Reason::Exited
            if ended.exit == Some(Exit::Signal(libc::SIGKILL)) && ended.lost_requests.is_empty() =>
        {
            "Look for who sent the signal: `dmesg` for the kernel, `memory.events` of its control group, and the log of the container \
             runtime."
        }
        Reason::Exited if ended.exit == Some(Exit::Signal(libc::SIGKILL)) => {
            "Look for who sent the signal: `dmesg` for the kernel, `memory.events` of its control group, and the log of the container \
             runtime. One of the requests that it lost may have ended it, such as one that needs much memory."
        }
        Reason::Exited if !ended.lost_requests.is_empty() => {
            "Read its output. One of the requests that it lost may have ended it."
        }
        Reason::Exited if lived < Duration::from_secs(60) => {
            "It lived for less than a minute. Read its output."
        }
        Reason::Unreachable => {
            "Its server accepts no new connections any more; its output may say why. A check may use a \
             connection that is open already, for at most a minute, so checks may have passed meanwhile."
        }
        Reason::Exited => "Read its output, and the requests of that time in the log.",
        Reason::SetupFailed => "Its output and the error say why it could not start.",
        // The detail says what to do about a server that listens elsewhere.
        Reason::StartupTimeout if ended.detail.as_deref().is_some_and(says_what_to_do) => return None,
        Reason::StartupTimeout => {
            "Make the setup faster, or allow more time with `startup_timeout` (`fal-host --startup-timeout`). A server under \
             `fal-host` is ready when it accepts a connection at the port in the variable `PORT`."
        }
        _ => return None,
    };
    Some(advice.to_owned())
}

/// Whether the detail of a runner that was not ready in time says what to do.
fn says_what_to_do(detail: &str) -> bool {
    ![NOT_LISTENING, NOT_READY].iter().any(|known| detail.starts_with(known))
}

const SEE_CHECK: &str = "What the health check found is in the last failed check above and in the output.";

/// What to do about a check that has failed so.
fn advice_after(outcome: Outcome, has_detail: bool) -> &'static str {
    match outcome {
        Outcome::Failure(Failure::Status(404 | 405)) => {
            "Its server has no such endpoint: declare one, or name method and path of its health check with `--health`."
        }
        Outcome::Failure(Failure::Status(401 | 403)) => {
            "Its server refuses the host: let checks in, or give them credentials with `--health-header`."
        }
        Outcome::Failure(Failure::Status(_)) if has_detail => "Repair what the check found.",
        Outcome::Failure(Failure::Status(_)) => {
            "The response to the check does not say what is wrong: the output of the runner may."
        }
        outcome => advice_after_silence(outcome),
    }
}

/// What to do about a check without a response that counts.
fn advice_after_silence(outcome: Outcome) -> &'static str {
    match outcome.reason() {
        Some("timeout") => {
            "Find out what keeps the runner from answering, such as blocking work or a hung dependency, or allow a check more \
             time with `timeout_seconds` (`fal-host --timeout`)."
        }
        Some("wedged" | "stalled") => {
            "Find out where its requests hang. The oldest one is above. `request_timeout` bounds how long they may take."
        }
        _ => SEE_CHECK,
    }
}
