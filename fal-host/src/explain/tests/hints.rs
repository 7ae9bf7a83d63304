//! What explains a runner beside its own state: its host, its successor, and where it listens.

use super::*;
use crate::evidence::{OutputLine, OutputStream};
use crate::request_info::{AwaitedTransfer, ClientWait, RequestInfo};

#[test]
fn a_runner_at_its_limit_names_its_successor_s54c_s85d() {
    let mut old = live(RunnerState::Idle);
    old.info.replacement_due = Some(Reason::Age);
    let newest = [(1, (RunnerId::new(4), RunnerState::Setup))].into();
    let text =
        explained_in(Circumstances { newest, ..Circumstances::default() }, old, &[StepKind::InRotation]);
    assert!(text.contains("Its successor is runner 4, which is in SETUP."), "{text}");
}

#[test]
fn a_check_that_no_runner_has_ever_passed_may_be_wrong_s44b_s85d() {
    let failed = || vec![check(Outcome::Failure(Failure::Status(404)), None)];
    for has_passed in [false, true] {
        let circumstances = || Circumstances { has_passed, ..Circumstances::default() };
        let text =
            explained_end_in(circumstances(), EndedInfo { checks: failed(), ..ended(Reason::Unhealthy) });
        assert_eq!(text.contains("has ever passed a check"), !has_passed, "{text}");
        let mut waiting = LiveInfo { checks: failed(), ..live(RunnerState::Setup) };
        waiting.info.awaits_first_pass = true;
        let text = explained_in(circumstances(), waiting, &[StepKind::AwaitingFirstPass]);
        assert_eq!(text.contains("has ever passed a check"), !has_passed, "{text}");
    }
}

#[test]
fn a_server_that_listens_elsewhere_is_not_told_to_start_faster_s49c_s85d() {
    let told = |detail: &str| {
        let detail = Some(detail.to_owned());
        explained_end(EndedInfo { detail, ..ended(Reason::StartupTimeout) }, &[StepKind::Setup])
    };
    assert!(!told("the runner listens on 127.0.0.1:1: expected 127.0.0.1:2").contains("setup faster"));
    assert!(told("the runner does not listen on any port yet: it still starts").contains("setup faster"));
}

#[test]
fn a_runner_of_a_paused_host_says_that_it_gets_no_requests_s87c_s85d() {
    let paused = Circumstances { paused_for: Some(Duration::from_secs(60)), ..Circumstances::default() };
    let text = explained_in(paused, live(RunnerState::Idle), &[StepKind::InRotation]);
    let expected = "- The host has been paused since 1970-01-01T00:15:40Z: no runner gets requests until `resume`. [S87c]\n";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn an_aborted_rolling_restart_is_told_by_those_that_it_ended_s52b_s85d() {
    let aborted = |runner| Circumstances {
        restart: Some(RestartStatus::Aborted { runner: RunnerId::new(runner), reason: Reason::Unhealthy }),
        ..Circumstances::default()
    };
    let text = explained_end_in(aborted(3), ended(Reason::Unhealthy));
    assert!(text.contains("a new runner of a rolling restart, which ended with it"), "{text}");
    let text = explained_end_in(aborted(2), ended(Reason::RestartAborted));
    assert!(text.contains("That was runner 2: `explain 2` says why it failed."), "{text}");
}

#[test]
fn a_deferred_runner_suggests_a_database_only_after_an_answer_s40d_s85d() {
    for (failure, suggests) in [(Failure::Status(503), true), (Failure::Timeout, false)] {
        let checks = vec![check(Outcome::Failure(failure), None)];
        let mut deferred = LiveInfo { checks, ..live(RunnerState::Idle) };
        deferred.info.deferred = true;
        let text = explained_in(Circumstances::default(), deferred, &[StepKind::InRotation]);
        assert!(text.contains("usually share the cause"), "{text}");
        assert_eq!(text.contains("such as a database"), suggests, "{text}");
    }
}

#[test]
fn a_healthy_runner_whose_check_fails_says_from_when_on_that_counts_s9_s85d() {
    for (age, is_ignored) in [(29, true), (30, false)] {
        let mut young = live(RunnerState::Idle);
        young.info.age = Duration::from_secs(age);
        young.info.health.as_mut().unwrap().last_check =
            Some(check(Outcome::Failure(Failure::Connect), None));
        let text = explained(young, &[StepKind::InRotation]);
        assert!(text.contains("It is healthy. [S22]"), "{text}");
        assert_eq!(text.contains("which does not count before it is 30s old. [S9]"), is_ignored, "{text}");
    }
}

#[test]
fn an_unreachable_runner_says_for_how_long_its_checks_may_have_passed_s19d_s85d() {
    let text = explained_end(ended(Reason::Unreachable), &[StepKind::InRotation]);
    assert!(text.contains("open already, for at most a minute"), "{text}");
}

#[test]
fn a_failed_start_says_which_step_has_failed_s35c_s119b() {
    let start = |detail: &str, pid: Option<u32>| {
        let exit = pid.map(|_| Exit::Status(1));
        let text = EndedInfo { detail: Some(detail.to_owned()), pid, exit, ..ended(Reason::SetupFailed) };
        explained_end(text, &[StepKind::Setup]).lines().skip(1).take(2).collect::<Vec<_>>().join("\n")
    };
    let early = "its process ended before it was ready";
    for (told, words) in [
        (
            start("no model", Some(7)),
            "- It ended because its setup failed. [S35c]\n- In detail: \"no model\".",
        ),
        (
            start("no such file", None),
            "- It ended because its process could not be started. [S35c]\n- In detail: \"no such",
        ),
        (
            start(early, Some(7)),
            "- It ended because its process ended before it was ready. [S35c]\n- Its process started",
        ),
        (
            start(&format!("port 1; {early}"), Some(7)),
            "- It ended because its process ended before it was ready. [S35c]\n- In detail",
        ),
    ] {
        assert!(told.starts_with(words), "{told}");
    }
}

#[test]
fn a_request_that_waits_for_its_client_is_not_held_against_the_runner_s43a_s85e() {
    let unbounded = || Circumstances { bounds_requests: false, ..Circumstances::default() };
    for (transfer, words) in [
        (AwaitedTransfer::Response, "which does not read the response: for 20s so far"),
        (AwaitedTransfer::Request, "which does not send the rest of the request: for 20s so far"),
    ] {
        let client_wait = Some(ClientWait { transfer, waited: Duration::from_secs(20) });
        let mut waiting = live(RunnerState::Running);
        waiting.info.oldest_request = Some(Box::new(RequestInfo { client_wait, ..request(61) }));
        let text = explained_in(unbounded(), waiting, &[StepKind::InRotation]);
        assert!(
            text.contains(words) && text.contains("`client_timeout` (60s, `--client-timeout`)"),
            "{text}"
        );
        assert!(text.contains("[S43a]") && !text.contains("If it hangs"), "{text}");
    }
    let mut streaming = live(RunnerState::Running);
    streaming.info.oldest_request = Some(Box::new(RequestInfo { response_begun: true, ..request(61) }));
    let text = explained_in(unbounded(), streaming, &[StepKind::InRotation]);
    assert!(text.contains("Its response has begun.") && !text.contains("If it hangs"), "{text}");
}

#[test]
fn a_runner_that_ends_by_itself_names_the_requests_that_were_lost_s39c_s85e() {
    let killed = || EndedInfo { exit: Some(Exit::Signal(9)), ..ended(Reason::Exited) };
    let text = explained_end(killed(), &[StepKind::InRotation]);
    assert!(text.contains("No request was lost with it. [S39c]"), "{text}");
    assert!(text.contains("`dmesg`") && text.contains("memory.events"), "{text}");
    let lost_requests = vec![request(2), request(1), request(1)];
    let text = explained_end(EndedInfo { lost_requests, ..killed() }, &[StepKind::InRotation]);
    let named = "Requests were lost with it: POST /predict with the id abc, in flight for 2s, and 2 more, which the log names.";
    assert!(
        text.contains(named)
            && text.contains("One of the requests that it lost may have ended it")
            && text.contains("`dmesg`"),
        "{text}"
    );
    let lost_requests = vec![request(1); 16];
    let text = explained_end(EndedInfo { lost_requests, ..killed() }, &[StepKind::InRotation]);
    assert!(text.contains(", and at least 15 more, which the log names."), "{text}");
    let crashed = EndedInfo { exit: Some(Exit::Signal(11)), ..ended(Reason::Exited) };
    let text = explained_end(crashed, &[StepKind::InRotation]);
    assert!(!text.contains("requests that it lost") && !text.contains("the log names"), "{text}");
}

#[test]
fn a_server_that_does_not_answer_is_told_by_its_output_before_guesses_s18a_s85e() {
    let failed = || vec![check(Outcome::Failure(Failure::Disconnected), None)];
    // The check began 958 s after the epoch.
    let printed = |seconds| OutputLine {
        at: at(seconds),
        stream: OutputStream::Stderr,
        text: "RuntimeError: can't start new thread".to_owned(),
    };
    let circumstances = || Circumstances {
        has_passed: false,
        last_line: Some(printed(950)),
        failures: [(0, FailedCheck { outcome: Outcome::Failure(Failure::Disconnected), detail: None })]
            .into(),
        ..Circumstances::default()
    };
    let text = explained_end_in(circumstances(), EndedInfo { checks: failed(), ..ended(Reason::Unhealthy) });
    let output = text.find("It printed last \"RuntimeError: can't start new thread\"").expect(&text);
    let guess =
        text.find("1 other replica has the same finding: their servers close connections").expect(&text);
    assert!(output < guess && !text.contains("database") && !text.contains("such as its path"), "{text}");
    let answered = vec![check(Outcome::Failure(Failure::Status(503)), None)];
    let text = explained_end_in(circumstances(), EndedInfo { checks: answered, ..ended(Reason::Unhealthy) });
    assert!(!text.contains("It printed last \"") && !text.contains("such as its path"), "{text}");
    let long_ago = Circumstances { last_line: Some(printed(940)), ..circumstances() };
    let text = explained_end_in(long_ago, EndedInfo { checks: failed(), ..ended(Reason::Unhealthy) });
    assert!(text.contains("- It has printed nothing since 1970-01-01T00:15:40Z.\n"), "{text}");
    assert!(!text.contains("which may say why"), "{text}");
}

#[test]
fn a_runner_in_setup_has_no_word_about_checks_that_are_not_made_yet_s11_s85e() {
    let text = explained(live_unchecked(RunnerState::Setup), &[StepKind::Setup]);
    assert!(!text.contains("Failures do not count"), "{text}");
    let mut ready = live_unchecked(RunnerState::Setup);
    ready.info.awaits_first_pass = true;
    let text = explained(ready, &[StepKind::Setup, StepKind::AwaitingFirstPass]);
    assert!(text.contains("Failures do not count before it is 30s old"), "{text}");
}

fn live_unchecked(state: RunnerState) -> LiveInfo {
    let mut live = live(state);
    live.info.health.as_mut().unwrap().verdict = Verdict::Unknown;
    live
}
