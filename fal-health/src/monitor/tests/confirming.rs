//! The confirm interval: S55.

use super::*;

const CONFIRM: Duration = Duration::from_secs(2);

/// Runs a monitor whose checks take no time and have these outcomes, from readiness at 0 s. Returns when each started.
fn starts(health: HealthCheck, outcomes: &[Outcome]) -> Vec<Time> {
    let schedule = Schedule::new(INTERVAL, 0).with_confirm_interval(CONFIRM);
    let mut monitor = Monitor::new(health, Lifespan::new(Time::ZERO, None), schedule);
    monitor.handle(Time::ZERO, Event::Ready);
    let mut starts = Vec::new();
    for outcome in outcomes {
        let now = monitor.deadline().unwrap();
        let Some(Command::Start(check)) = monitor.handle(now, Event::Elapsed) else {
            panic!("a check is due")
        };
        starts.push(now);
        monitor.handle(now, Event::Finished { check: check.id, outcome: *outcome });
    }
    starts.push(monitor.deadline().unwrap());
    starts
}

fn gaps(starts: &[Time]) -> Vec<Duration> {
    starts.windows(2).map(|pair| pair[1].since(pair[0])).collect()
}

fn health() -> HealthCheck {
    HealthCheck::new().start_period_seconds(0).failure_threshold(3)
}

#[test]
fn after_a_counted_failure_the_next_checks_follow_at_the_confirm_interval_s55a() {
    let starts = starts(health(), &[Outcome::Pass, FAILED, FAILED]);
    assert_eq!(gaps(&starts), [INTERVAL, CONFIRM, CONFIRM]);
}

#[test]
fn a_pass_returns_to_the_ticks_s55b() {
    let starts = starts(health(), &[FAILED, Outcome::Pass, Outcome::Pass]);
    assert_eq!(
        gaps(&starts),
        [CONFIRM, INTERVAL.saturating_sub(CONFIRM), INTERVAL],
        "the ticks have not moved"
    );
}

#[test]
fn at_the_threshold_ticks_apply_s55b() {
    let starts = starts(health(), &[FAILED, FAILED, FAILED, FAILED]);
    assert_eq!(gaps(&starts), [CONFIRM, CONFIRM, INTERVAL.saturating_sub(CONFIRM * 2), INTERVAL]);
}

#[test]
fn a_failure_that_is_ignored_is_not_confirmed_s55a() {
    let starts = starts(health().start_period_seconds(3600), &[FAILED, FAILED]);
    assert_eq!(gaps(&starts), [INTERVAL; 2]);
}

#[test]
fn a_confirm_interval_above_the_check_interval_delays_nothing_s55a() {
    let schedule = Schedule::new(INTERVAL, 0).with_confirm_interval(INTERVAL * 10);
    let mut monitor = Monitor::new(health(), Lifespan::new(Time::ZERO, None), schedule);
    monitor.handle(Time::ZERO, Event::Ready);
    let first = monitor.deadline().unwrap();
    let Some(Command::Start(check)) = monitor.handle(first, Event::Elapsed) else { panic!("a check is due") };
    monitor.handle(first, Event::Finished { check: check.id, outcome: FAILED });
    assert_eq!(monitor.deadline(), Some(first + INTERVAL));
}

/// A monitor that has failed its first check, and the time of that.
fn failed_once() -> (Monitor, Time) {
    let schedule = Schedule::new(INTERVAL, 0).with_confirm_interval(CONFIRM);
    let mut monitor = Monitor::new(health(), Lifespan::new(Time::ZERO, None), schedule);
    monitor.handle(Time::ZERO, Event::Ready);
    let now = monitor.deadline().unwrap();
    let check = started(monitor.handle(now, Event::Elapsed));
    monitor.handle(now, Event::Finished { check: check.id, outcome: FAILED });
    assert_eq!(monitor.deadline(), Some(now + CONFIRM));
    (monitor, now)
}

#[test]
fn after_a_manual_pass_no_check_confirms_the_failure_before_s55b_s22() {
    let (mut monitor, failed) = failed_once();
    let now = failed + Duration::from_secs(1);
    let check = started(monitor.handle(now, Event::ManualRequested));
    monitor.handle(now, Event::Finished { check: check.id, outcome: Outcome::Pass });
    assert_eq!(monitor.deadline(), Some(failed + INTERVAL));
}

#[test]
fn inconclusive_manual_checks_do_not_delay_the_confirmation_s55a_s32a() {
    let (mut monitor, failed) = failed_once();
    let mut now = failed + Duration::from_millis(500);
    let mut command = monitor.handle(now, Event::ManualRequested);
    for _ in 0..2 {
        let check = started(command);
        assert_eq!(check.trigger, Trigger::Manual);
        monitor.handle(now, Event::Finished { check: check.id, outcome: COULD_NOT_ASK });
        now = monitor.deadline().unwrap();
        command = monitor.handle(now, Event::Elapsed);
    }
    assert_eq!((started(command).trigger, now), (Trigger::Periodic, failed + CONFIRM));
}
