//! Checks that say nothing about the runner (S20).

use super::*;

#[test]
fn inconclusive_neither_counts_nor_resets_s20c() {
    let mut bench = Bench::ready(eager());
    bench.periodic(FAILED);
    bench.periodic(COULD_NOT_ASK);
    assert_eq!(bench.effect(), CheckEffect::Inconclusive);
    assert_eq!(bench.monitor.verdict(), Verdict::Failing { streak: 1 });
    bench.periodic(FAILED);
    assert_eq!(bench.monitor.verdict(), Verdict::Failing { streak: 2 });
}

#[test]
fn lag_excuses_three_failures_in_a_row_and_the_next_decides_s20b() {
    let mut bench = Bench::ready(eager().failure_threshold(1));
    for _ in 0..MAX_EXCUSED {
        assert_eq!(bench.periodic(LAGGED), None);
        assert_eq!(bench.effect(), CheckEffect::Inconclusive);
    }
    assert_eq!(bench.periodic(LAGGED), Some(Command::Unhealthy(Unhealthy::Streak(1))));
}

#[test]
fn only_a_pass_renews_what_lag_may_excuse_s20b() {
    let mut bench = Bench::ready(eager());
    for _ in 0..MAX_EXCUSED {
        bench.periodic(LAGGED);
    }
    bench.periodic(FAILED);
    bench.periodic(LAGGED);
    assert_eq!(bench.effect(), CheckEffect::Counted { streak: 2 });
    bench.periodic(Outcome::Pass);
    bench.periodic(LAGGED);
    assert_eq!(bench.effect(), CheckEffect::Inconclusive);
}

#[test]
fn lag_within_the_start_period_uses_up_no_excuse_s20b() {
    let mut bench = Bench::ready(HealthCheck::new().start_period_seconds(1_000).failure_threshold(1));
    for _ in 0..=MAX_EXCUSED {
        bench.periodic(LAGGED);
        assert_eq!(bench.effect(), CheckEffect::Inconclusive);
    }
    bench.now = at(1_000);
    for _ in 0..MAX_EXCUSED {
        assert_eq!(bench.periodic(LAGGED), None);
        assert_eq!(bench.effect(), CheckEffect::Inconclusive);
    }
    assert_eq!(bench.periodic(LAGGED), Some(Command::Unhealthy(Unhealthy::Streak(1))));
}

#[test]
fn a_host_that_cannot_ask_never_blames_the_runner_s20a() {
    let mut bench = Bench::ready(eager().failure_threshold(1));
    for _ in 0..100 {
        assert_eq!(bench.periodic(COULD_NOT_ASK), None);
    }
    assert_eq!(bench.monitor.verdict(), Verdict::Unknown);
}

#[test]
fn an_inconclusive_manual_check_is_tried_again_after_a_second_until_it_has_an_outcome_s20d() {
    let mut bench = Bench::ready(eager().call_regularly(false));
    let mut check = started(bench.event(Event::ManualRequested));
    for _ in 0..10 {
        let ended = bench.now;
        assert_eq!(bench.finish(check, COULD_NOT_ASK), None);
        assert_eq!(bench.event(Event::ManualRequested), None, "a further request shares the next try");
        check = bench.next_check();
        assert_eq!((check.trigger, bench.now), (Trigger::Manual, ended + MANUAL_RETRY));
    }
    assert_eq!(bench.finish(check, FAILED), Some(Command::Unhealthy(Unhealthy::ManualCheckFailed)));
}
