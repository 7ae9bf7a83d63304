//! Checks that a response asks for.

use super::*;

#[test]
fn a_manual_failure_decides_at_once_whatever_age_and_streak_s25() {
    let mut bench = Bench::ready(HealthCheck::new().start_period_seconds(1_000).failure_threshold(100));
    let check = started(bench.event(Event::ManualRequested));
    assert_eq!(bench.finish(check, FAILED), Some(Command::Unhealthy(Unhealthy::ManualCheckFailed)));
    assert_eq!(bench.monitor.verdict(), Verdict::Unhealthy);
}

#[test]
fn without_periodic_checks_only_a_request_starts_one_s27a() {
    let mut bench = Bench::ready(HealthCheck::new().call_regularly(false));
    assert_eq!(bench.monitor.deadline(), None);
    let check = started(bench.event(Event::ManualRequested));
    assert_eq!(check.trigger, Trigger::Manual);
    bench.finish(check, Outcome::Pass);
    assert_eq!(bench.monitor.deadline(), None);
}

#[test]
fn a_check_in_flight_does_not_answer_a_manual_request_s31a() {
    let mut bench = Bench::ready(eager());
    let periodic = bench.next_check();
    assert_eq!(bench.event(Event::ManualRequested), None);
    let manual = started(bench.finish(periodic, FAILED));
    assert_eq!(bench.effect(), CheckEffect::Counted { streak: 1 }, "it counts as what it was");
    assert_eq!(manual.trigger, Trigger::Manual);
}

#[test]
fn a_manual_request_outlives_the_verdict_of_the_check_before_it_s31a() {
    let mut bench = Bench::ready(eager().failure_threshold(1));
    let periodic = bench.next_check();
    bench.event(Event::ManualRequested);
    assert!(matches!(bench.finish(periodic, FAILED), Some(Command::Unhealthy(_))));
    assert_eq!(bench.next_check().trigger, Trigger::Manual, "due at once, if the replacement is deferred");
}

#[test]
fn ten_thousand_requests_cost_two_checks_s31b_s31c() {
    let mut bench = Bench::ready(eager().call_regularly(false));
    let first = started(bench.event(Event::ManualRequested));
    for _ in 1..10_000 {
        assert_eq!(bench.event(Event::ManualRequested), None);
    }
    let second = started(bench.finish(first, Outcome::Pass));
    assert_eq!(bench.finish(second, Outcome::Pass), None);
    assert_eq!(bench.monitor.deadline(), None);
}

#[test]
fn a_manual_check_does_not_move_the_schedule_s32a() {
    let mut bench = Bench::ready(eager());
    let tick = bench.monitor.deadline().unwrap();
    bench.now = at(3);
    let manual = started(bench.event(Event::ManualRequested));
    bench.finish(manual, Outcome::Pass);
    assert_eq!(bench.monitor.deadline(), Some(tick));
}
