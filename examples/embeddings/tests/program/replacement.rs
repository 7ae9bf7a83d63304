//! Runners that break are replaced; the model is tiny.

use std::thread;

use rustix::process::{Signal, kill_process};

use crate::host::{Host, similarity};

/// Turns on the texts that break a runner.
const FAULTS: (&str, &str) = ("EMBEDDINGS_FAULTS", "1");

#[test]
fn concurrent_texts_have_the_embeddings_that_they_have_alone() {
    let host = Host::with_tiny_model(&[]);
    let texts: Vec<String> = (1..=24).map(|length| "abcdefgh".repeat(4)[..length].to_owned()).collect();
    let alone: Vec<_> = texts.iter().map(|text| host.embedding(text)).collect();
    let together: Vec<_> = thread::scope(|scope| {
        let calls: Vec<_> = texts.iter().map(|text| scope.spawn(|| host.embedding(text))).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    for (text, (alone, together)) in texts.iter().zip(alone.iter().zip(&together)) {
        assert!((similarity(alone, alone) - 1.0).abs() < 1e-5, "{text}: {alone:?} has not the length 1");
        let differences = alone.iter().zip(together).map(|(alone, together)| (alone - together).abs());
        assert!(differences.fold(0.0, f32::max) < 1e-5, "{text}: {alone:?} alone, {together:?} in a batch");
    }
}

#[test]
fn a_killed_runner_is_replaced_s34() {
    let host = Host::with_tiny_model(&[]);
    let before = host.embedding("abc");
    kill_process(host.first_runner(), Signal::KILL).unwrap();
    host.line(&["TERMINATED", "runner=1", "reason=exited"]);
    host.line(&["IDLE", "runner=2"]);
    assert_eq!(host.embedding("abc"), before);
}

/// It takes the app's `request_timeout`, 15 s.
#[test]
fn a_stuck_inference_ends_in_a_request_timeout_and_its_check_replaces_the_runner_s25() {
    let host = Host::with_tiny_model(&[FAULTS]);
    let (status, answer) = host.embed("wedge");
    assert_eq!((status, answer["error_type"].as_str()), (504, Some("request_timeout")), "{answer}");
    host.replaces_the_first_runner_for("manual_check_failed");
}

#[test]
fn nan_is_answered_500_and_the_runner_replaced_inside_its_start_period_s25() {
    let host = Host::with_tiny_model(&[FAULTS]);
    let (status, answer) = host.embed("nan");
    assert_eq!(status, 500, "{answer}");
    host.replaces_the_first_runner_for("manual_check_failed");
}

#[test]
fn a_panic_of_the_model_costs_its_request_and_the_runner_is_replaced_s25() {
    let host = Host::with_tiny_model(&[FAULTS]);
    assert_eq!(host.embed("panic").0, 500);
    host.replaces_the_first_runner_for("manual_check_failed");
}

#[test]
fn the_texts_of_faults_are_ordinary_ones_unless_faults_are_on() {
    let host = Host::with_tiny_model(&[]);
    for text in ["wedge", "panic", "nan"] {
        assert!(host.embedding(text).iter().all(|value| value.is_finite()), "{text}");
    }
}

#[test]
fn a_stopped_host_has_its_runner_unload_the_model_and_exits_0_s41() {
    let host = Host::with_tiny_model(&[]);
    host.embedding("abc");
    kill_process(host.pid(), Signal::TERM).unwrap();
    host.line(&["the model is unloaded", "embedded=1"]);
    assert_eq!(host.exit_code(), Some(0));
}
