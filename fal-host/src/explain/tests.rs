//! Explanations of every reason, state, verdict and outcome.

mod hints;

use std::time::Duration;

use fal_health::{Failure, Outcome, Trigger, Verdict};

use crate::RunnerId;
use crate::check_info::CheckInfo;
use crate::circumstances::{Circumstances, FailedCheck, LastEnded};
use crate::details::{LiveInfo, LiveOrEnded, RunnerDetails, StepInfo};
use crate::ended_info::EndedInfo;
use crate::evidence::OomEvidence;
use crate::fleet::{Exit, Reason, RestartStatus, RunnerState, StepKind};
use crate::launch::NOT_EXECUTED;
use crate::recent_losses::RecentLosses;
use crate::snapshot::BackoffInfo;
use crate::snapshot_examples::{at, ended, request, runner};

fn steps(kinds: &[StepKind]) -> Vec<StepInfo> {
    (900..).step_by(10).zip(kinds).map(|(seconds, kind)| StepInfo { kind: *kind, at: at(seconds) }).collect()
}

fn check(outcome: Outcome, detail: Option<&str>) -> CheckInfo {
    CheckInfo {
        trigger: Trigger::Periodic,
        outcome,
        duration: Duration::from_millis(5),
        ago: Duration::from_secs(2),
        detail: detail.map(Into::into),
        requested_by: None,
    }
}

fn live(state: RunnerState) -> LiveInfo {
    LiveInfo { info: runner(state), started_at: at(900), checks: Vec::new() }
}

fn explained_end(ended: EndedInfo, kinds: &[StepKind]) -> String {
    RunnerDetails::new(LiveOrEnded::Ended(ended), steps(kinds)).explanation()
}

fn explained(live: LiveInfo, kinds: &[StepKind]) -> String {
    explained_in(Circumstances::default(), live, kinds)
}

fn explained_in(circumstances: Circumstances, live: LiveInfo, kinds: &[StepKind]) -> String {
    let details = RunnerDetails::new(LiveOrEnded::Live(Box::new(live)), steps(kinds));
    RunnerDetails { circumstances, ..details }.explanation()
}

fn explained_end_in(circumstances: Circumstances, ended: EndedInfo) -> String {
    let details = RunnerDetails::new(LiveOrEnded::Ended(ended), steps(&[StepKind::InRotation]));
    RunnerDetails { circumstances, ..details }.explanation()
}

const REASONS: [(Reason, &str, &str); 14] = [
    (Reason::Unhealthy, "failure threshold", "[S24]"),
    (Reason::ManualCheckFailed, "manual check", "[S25]"),
    (Reason::Exited, "ended by itself", "[S34]"),
    (Reason::Requested, "x-fal-stop-runner", "[S58b]"),
    (Reason::Unreachable, "refused the connection", "[S39e]"),
    (Reason::SetupFailed, "ended before it was ready", "[S35c]"),
    (Reason::StartupTimeout, "not ready within the startup timeout", "[S35c]"),
    (Reason::Memory, "--max-memory", "[S54a]"),
    (Reason::Age, "--max-age", "[S54a]"),
    (Reason::Requests, "--max-requests", "[S54a]"),
    (Reason::Operator, "an operator ordered it", "[S87a]"),
    (Reason::Restarted, "rolling restart", "[S52]"),
    (Reason::RestartAborted, "another successor", "[S52b]"),
    (Reason::Stopped, "the host stopped", "[S41d]"),
];

#[test]
fn every_reason_is_explained_with_its_rule_s36c_s85d() {
    for (reason, words, rule) in REASONS {
        let text = explained_end(ended(reason), &[StepKind::Setup, StepKind::InRotation]);
        let first = text.lines().nth(1).unwrap();
        assert!(first.contains(words) && first.ends_with(rule), "{text}");
        assert!(text.starts_with(&format!("runner 3 (replica 1, process 4711) ended: {reason}\n")), "{text}");
        assert!(text.contains("started at 1970-01-01T00:15:00Z and ended at 1970-01-01T00:16:00Z"), "{text}");
    }
}

#[test]
fn the_explanation_of_an_end_has_its_steps_with_times_and_its_last_failed_check_s85d() {
    use StepKind::{InRotation, Killed, Setup, Terminating};
    let failed = check(Outcome::Failure(Failure::Status(500)), Some("no GPU"));
    let runner = EndedInfo { exit: Some(Exit::Signal(9)), checks: vec![failed], ..ended(Reason::Unhealthy) };
    assert_eq!(
        explained_end(runner, &[Setup, InRotation, Terminating, Killed]),
        "\
runner 3 (replica 1, process 4711) ended: unhealthy
- It ended because as many checks in a row failed as its failure threshold allows (`--failure-threshold`). [S24]
- Its process started at 1970-01-01T00:15:00Z and ended at 1970-01-01T00:16:00Z, after 60s.
- It took requests from 1970-01-01T00:15:10Z on, 10s after its start. [S44]
- The host sent it SIGTERM at 1970-01-01T00:15:20Z; it ended 40s later. [S33a]
- The host sent its processes SIGKILL at 1970-01-01T00:15:30Z, because it had not ended within the grace period of 5s. [S33c]
- Its process was ended by signal 9 (SIGKILL).
- Its process used at most 50.0 MiB of resident memory and 1.5s of processor time. [S85b]
- The last check that failed was a periodic one of POST /health at 1970-01-01T00:15:58Z. It took 5ms and was answered with status 500: \"no GPU\". [S18a]
- Repair what the check found.
- Make it end sooner after SIGTERM, or allow more time with `termination_grace_period` (`fal-host --grace-period`).
The rules in brackets are in docs/semantics.md.
"
    );
}

#[test]
fn a_check_that_the_server_does_not_know_or_refuses_says_what_to_change_s85d() {
    for (status, detail, words) in [
        (404, None, "with `--health`"),
        (405, None, "with `--health`"),
        (401, None, "--health-header"),
        (500, Some("no GPU"), "Repair"),
        (500, None, "the output of the runner may"),
        (500, Some("Internal Server Error"), "the output of the runner may"),
    ] {
        let checks = vec![check(Outcome::Failure(Failure::Status(status)), detail)];
        let text = explained_end(EndedInfo { checks, ..ended(Reason::Unhealthy) }, &[StepKind::InRotation]);
        assert!(text.contains("of POST /health at") && text.contains(words), "{text}");
    }
}

#[test]
fn an_oom_kill_and_a_core_dump_are_named_s85b_s85c() {
    for (evidence, words) in [
        (OomEvidence::RunnerCgroup, "The kernel killed it because memory ran out"),
        (OomEvidence::HostCgroup, "the control group of the host"),
        (OomEvidence::Machine, "the machine counts"),
    ] {
        let killed =
            EndedInfo { exit: Some(Exit::Signal(9)), oom_killed: Some(evidence), ..ended(Reason::Exited) };
        let text = explained_end(killed, &[StepKind::InRotation]);
        assert!(text.contains(words) && text.contains("[S85c]"), "{text}");
        assert!(text.contains("more memory"), "{text}");
    }
    let unknown = EndedInfo { exit: Some(Exit::Signal(9)), ..ended(Reason::Exited) };
    let text = explained_end(unknown, &[StepKind::InRotation]);
    assert!(text.contains("The host did not send that signal"), "{text}");
    let dumped = EndedInfo { exit: Some(Exit::Signal(11)), core_dumped: true, ..ended(Reason::Exited) };
    let text = explained_end(dumped, &[StepKind::InRotation]);
    assert!(text.contains("SIGSEGV") && text.contains("core dump"), "{text}");
}

#[test]
fn every_state_is_explained_with_its_rule_s37a_s85d() {
    use RunnerState::{CrashBackoff, Draining, Idle, Pending, Running, Setup, Terminating};
    for (state, step, words, rule) in [
        (Pending, StepKind::Pending, "starting its process since", "[S37b]"),
        (Setup, StepKind::Setup, "Its setup has been running since", "[S35c]"),
        (Idle, StepKind::InRotation, "has no request in flight", "[S37d]"),
        (Running, StepKind::InRotation, "has 2 requests in flight", "[S37d]"),
        (Draining, StepKind::Draining, "finishes 2 requests until 1970-01-01T00:15:30Z", "[S33d]"),
        (Terminating, StepKind::Terminating, "SIGTERM at 1970-01-01T00:15:00Z", "[S33b]"),
        (Terminating, StepKind::Killed, "SIGKILL at 1970-01-01T00:15:00Z", "[S60b]"),
        (CrashBackoff, StepKind::CrashBackoff, "replica 1 failed", "[S35d]"),
    ] {
        let text = explained(live(state), &[step]);
        let first = text.lines().nth(1).unwrap();
        assert!(first.contains(words) && first.ends_with(rule), "{text}");
    }
}

#[test]
fn a_start_that_waits_for_another_or_was_ended_is_explained_s61d_s61e() {
    let mut waiting = live(RunnerState::Pending);
    waiting.info.awaits_start_of = Some(RunnerId::new(2));
    let text = explained(waiting, &[StepKind::Pending]);
    assert!(text.contains("Its start waits for that of runner 2") && text.contains("[S61a]"), "{text}");
    let detail = Some(format!("{NOT_EXECUTED} /mnt/app; see `ls -l /mnt/app`; not ready within 3s"));
    let exit = Some(Exit::Signal(libc::SIGKILL));
    let killed = EndedInfo { detail, exit, ..ended(Reason::StartupTimeout) };
    let text = explained_end(killed, &[StepKind::Pending, StepKind::Setup]);
    assert!(text.contains("has not executed /mnt/app"), "{text}");
    assert!(!text.contains("did not send that signal") && !text.contains("Make the setup faster"), "{text}");
}

#[test]
fn what_a_runner_printed_about_a_loss_is_told_as_far_as_the_host_knows_it_s116e() {
    let told = |printed: Option<&str>| {
        let (ago, last) = (Duration::from_secs(9), request(3));
        let mut lossy = live(RunnerState::Idle);
        let losses = RecentLosses { requests: 2, ago, last, printed: printed.map(str::to_owned) };
        lossy.info.recent_losses = Some(Box::new(losses));
        explained(lossy, &[StepKind::InRotation])
    };
    let text = told(Some("out of memory"));
    assert!(text.contains("At about that time it printed \"out of memory\""), "{text}");
    let text = told(None);
    assert!(text.contains("keeps no line that it printed in the 10 s before that"), "{text}");
}

#[test]
fn the_oldest_request_of_a_runner_is_named_and_what_waits_for_it_s85d_s116b() {
    let mut hanging = live(RunnerState::Running);
    hanging.info.oldest_request = Some(Box::new(request(61)));
    let text = explained(hanging.clone(), &[StepKind::InRotation]);
    let expected = "- Its oldest request is POST /predict with the id abc, in flight for 61s, since 1970-01-01T00:15:39Z.\n";
    assert!(text.contains(expected) && !text.contains("If it hangs"), "{text}");
    let unbounded = || Circumstances { bounds_requests: false, ..Circumstances::default() };
    let text = explained_in(unbounded(), hanging.clone(), &[StepKind::InRotation]);
    assert!(
        text.contains("If it hangs, nothing ends it")
            && text.contains("`request_timeout`")
            && text.contains("--wedged-after"),
        "{text}"
    );
    hanging.info.oldest_request = Some(Box::new(request(2)));
    let text = explained_in(unbounded(), hanging.clone(), &[StepKind::InRotation]);
    assert!(!text.contains("If it hangs"), "{text}");
    hanging.info.full = true;
    let waited = Some(Duration::from_millis(1_500));
    let waiting = Circumstances { queued: 3, queued_for: waited, ..unbounded() };
    let text = explained_in(waiting, hanging, &[StepKind::InRotation]);
    let expected = "All of its permits are held (2 at a time, `max_multiplexing`), and 3 requests wait, the first one for 1.5s. [S116b]";
    assert!(text.contains(expected) && text.contains("If it hangs, nothing ends it"), "{text}");
}

#[test]
fn a_runner_that_ends_says_why_s85d() {
    let mut draining = live(RunnerState::Draining);
    draining.info.reason = Some(Reason::Restarted);
    let text = explained(draining, &[StepKind::Draining]);
    assert!(text.contains(", because a rolling restart replaced it."), "{text}");
}

#[test]
fn a_runner_that_waits_for_its_first_pass_or_its_backoff_says_so_s35d_s44b_s85d() {
    let mut waiting = live(RunnerState::Setup);
    waiting.info.awaits_first_pass = true;
    let text = explained(waiting, &[StepKind::Setup, StepKind::AwaitingFirstPass]);
    assert!(text.contains("no requests until it passes a check") && text.contains("[S44b]"), "{text}");
    let mut held = live(RunnerState::CrashBackoff);
    held.info.pid = None;
    held.info.backoff = Some(BackoffInfo { remaining: Duration::from_millis(2_500), failed_starts: 4 });
    let text = explained(held, &[StepKind::CrashBackoff]);
    assert!(
        text.contains("The last 4 starts of replica 1 failed, so this one waits for another 2.5s."),
        "{text}"
    );
}

#[test]
fn every_verdict_is_explained_s85d() {
    for (verdict, deferred, words) in [
        (Verdict::Unknown, false, "health is unknown"),
        (Verdict::Healthy, false, "It is healthy"),
        (Verdict::Failing { streak: 2 }, false, "2 of 3 failures in a row"),
        (Verdict::Unhealthy, true, "of at most 1 at a time (`--max-replacing`), 1 are under way"),
        (Verdict::Unhealthy, false, "will be replaced"),
    ] {
        let mut runner = live(RunnerState::Idle);
        runner.info.deferred = deferred;
        runner.info.health.as_mut().unwrap().verdict = verdict;
        let text = explained(runner, &[StepKind::InRotation]);
        assert!(text.contains(words), "{text}");
    }
    let mut stuck = live(RunnerState::Running);
    let health = stuck.info.health.as_mut().unwrap();
    (health.wedged, health.stalled) = (true, Some(Duration::from_secs(7)));
    let text = explained(stuck, &[StepKind::InRotation]);
    assert!(text.contains("[S53a]") && text.contains("[S53b]"), "{text}");
}

#[test]
fn a_replacement_that_will_follow_is_explained_with_its_cause_s54c_s87a_s52a_s85d() {
    for (due, awaits_min_healthy, rule, words) in [
        (Some(Reason::Memory), false, "[S54c]", "limit on `memory`"),
        (Some(Reason::Operator), false, "[S87a]", "An operator ordered its replacement"),
        (None, true, "[S52a]", "It is a successor"),
    ] {
        let mut runner = live(RunnerState::Idle);
        (runner.info.replacement_due, runner.info.awaits_min_healthy) = (due, awaits_min_healthy);
        let text = explained(runner, &[StepKind::InRotation]);
        assert!(text.lines().any(|line| line.contains(words) && line.ends_with(rule)), "{text}");
    }
}

#[test]
fn every_outcome_of_a_check_is_explained_s18a_s20_s85d() {
    use fal_health::Inconclusive;
    for (outcome, words) in [
        (Outcome::Pass, "passed"),
        (Outcome::Failure(Failure::Status(503)), "status 503"),
        (Outcome::Failure(Failure::Timeout), "`timeout`"),
        (Outcome::Failure(Failure::Connect), "`connect`"),
        (Outcome::Failure(Failure::Disconnected), "`disconnected`"),
        (Outcome::Failure(Failure::Malformed), "`malformed`"),
        (Outcome::Failure(Failure::Stalled), "`stalled`"),
        (Outcome::Failure(Failure::Wedged), "`wedged`"),
        (Outcome::Inconclusive(Inconclusive::CouldNotAsk), "`could_not_ask`"),
        (Outcome::Inconclusive(Inconclusive::HostLag(Failure::Timeout)), "`host_lag`"),
    ] {
        let runner = LiveInfo { checks: vec![check(outcome, None)], ..live(RunnerState::Idle) };
        let text = explained(runner, &[StepKind::InRotation]);
        assert!(text.contains(words), "{text}");
    }
}

/// Two other replicas whose last checks found that redis has stopped, and how the last runner of the own one ended.
fn outage() -> Circumstances {
    let failure = |detail: &str| FailedCheck {
        outcome: Outcome::Failure(Failure::Status(503)),
        detail: Some(detail.into()),
    };
    let failures = [(0, failure("no redis")), (2, failure("no redis")), (3, failure("no disk"))].into();
    let last = LastEnded {
        id: RunnerId::new(2),
        reason: Reason::Unhealthy,
        detail: None,
        failure: Some(failure("no redis")),
    };
    Circumstances { failures, last_ended: [(1, last)].into(), ..Circumstances::default() }
}

#[test]
fn an_explanation_counts_the_other_replicas_with_the_same_finding_s85d() {
    let failed = || vec![check(Outcome::Failure(Failure::Status(503)), Some("no redis"))];
    let shared = "2 other replicas have the same finding: they share its cause";
    let text = explained_end_in(outage(), EndedInfo { checks: failed(), ..ended(Reason::Unhealthy) });
    assert!(text.contains(shared), "{text}");
    let mut deferred = LiveInfo { checks: failed(), ..live(RunnerState::Idle) };
    deferred.info.deferred = true;
    let text = explained_in(outage(), deferred, &[StepKind::InRotation]);
    assert!(text.contains(shared), "{text}");
    let text = explained_in(outage(), live(RunnerState::CrashBackoff), &[StepKind::CrashBackoff]);
    assert!(text.contains("runner 2, which ended as `unhealthy`. `explain 2` says more."), "{text}");
    assert!(text.contains("Its last check was answered with status 503: \"no redis\"."), "{text}");
    assert!(text.contains(shared), "{text}");
    let alone = vec![check(Outcome::Failure(Failure::Status(500)), Some("no GPU"))];
    let text = explained_end_in(outage(), EndedInfo { checks: alone, ..ended(Reason::Unhealthy) });
    assert!(!text.contains("the same finding"), "{text}");
}
