//! Checks before the first pass (S44).

use super::*;

const START_INTERVAL: Duration = Duration::from_secs(1);

/// A runner that is ready at `ready`, with start checks.
fn ready_at(ready: Time, config: HealthCheck) -> (Bench, Option<Command>) {
    let mut bench = Bench::new(config);
    bench.monitor.schedule = bench.monitor.schedule.with_start_interval(START_INTERVAL);
    bench.now = ready;
    let command = bench.event(Event::Ready);
    (bench, command)
}

#[test]
fn until_the_first_pass_a_check_follows_each_outcome_and_then_the_ticks_apply_s44a() {
    let (mut bench, command) = ready_at(at(100), HealthCheck::new().start_period_seconds(1_000));
    let mut check = started(command);
    assert_eq!(check.trigger, Trigger::Periodic, "the first check starts when the runner is ready");
    for outcome in [FAILED, COULD_NOT_ASK, LAGGED, FAILED] {
        bench.now = bench.now + Duration::from_secs(4);
        bench.finish(check, outcome);
        assert_eq!(bench.monitor.deadline(), Some(bench.now + START_INTERVAL), "after {outcome:?}");
        check = bench.next_check();
    }
    bench.now = bench.now + Duration::from_secs(2);
    bench.finish(check, Outcome::Pass);
    assert_eq!(bench.monitor.deadline(), Some(bench.monitor.schedule.next_after(bench.now)));
    bench.periodic(FAILED);
    let next = bench.monitor.deadline();
    assert_eq!(next, Some(bench.monitor.schedule.next_after(bench.now)), "ticks apply after a failure, too");
}

#[test]
fn before_the_first_pass_the_start_period_decides_what_counts_s9_s44c() {
    let config = HealthCheck::new().start_period_seconds(30).failure_threshold(2);
    let (mut bench, command) = ready_at(at(28), config);
    assert_eq!(bench.finish(started(command), FAILED), None);
    assert_eq!(bench.periodic(FAILED), None);
    assert_eq!((bench.now, bench.monitor.streak()), (at(29), 0), "ignored inside the start period");
    assert_eq!(bench.periodic(FAILED), None);
    assert_eq!((bench.now, bench.monitor.streak()), (at(30), 1));
    assert_eq!(bench.periodic(FAILED), Some(Command::Unhealthy(Unhealthy::Streak(2))));
}

#[test]
fn without_periodic_checks_there_are_no_start_checks_s44d() {
    let (bench, command) = ready_at(at(1), HealthCheck::new().call_regularly(false));
    assert_eq!((command, bench.monitor.deadline()), (None, None));
}
