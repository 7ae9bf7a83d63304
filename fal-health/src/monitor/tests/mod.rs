//! Single rules, in histories of a few events.

mod confirming;
mod exhaustive;
mod inconclusive;
mod manual;
mod start_checks;

use super::*;
use crate::Failure;

const INTERVAL: Duration = Duration::from_secs(15);
const FAILED: Outcome = Outcome::Failure(Failure::Status(500));
const COULD_NOT_ASK: Outcome = Outcome::Inconclusive(Inconclusive::CouldNotAsk);
const LAGGED: Outcome = Outcome::Inconclusive(Inconclusive::HostLag(Failure::Timeout));

fn at(seconds: u64) -> Time {
    Time::after_start(Duration::from_secs(seconds))
}

/// A monitor and its clock.
struct Bench {
    monitor: Monitor,
    now: Time,
}

impl Bench {
    fn new(config: HealthCheck) -> Self {
        Self::with_startup_timeout(config, None)
    }

    fn with_startup_timeout(config: HealthCheck, startup_timeout: Option<Duration>) -> Self {
        let lifespan = Lifespan { started: Time::ZERO, startup_timeout };
        Self { monitor: Monitor::new(config, lifespan, Schedule::new(INTERVAL, 0)), now: Time::ZERO }
    }

    fn ready(config: HealthCheck) -> Self {
        let mut bench = Self::new(config);
        assert_eq!(bench.event(Event::Ready), None);
        bench
    }

    fn event(&mut self, event: Event) -> Option<Command> {
        self.monitor.handle(self.now, event)
    }

    /// Advances the clock to the deadline and returns the check that starts there.
    fn next_check(&mut self) -> Check {
        self.now = self.monitor.deadline().expect("something is due").max(self.now);
        started(self.event(Event::Elapsed))
    }

    fn finish(&mut self, check: Check, outcome: Outcome) -> Option<Command> {
        self.event(Event::Finished { check: check.id, outcome })
    }

    fn periodic(&mut self, outcome: Outcome) -> Option<Command> {
        let check = self.next_check();
        assert_eq!(check.trigger, Trigger::Periodic);
        self.finish(check, outcome)
    }

    fn effect(&self) -> CheckEffect {
        self.monitor.history().last().expect("a check has finished").effect
    }
}

fn started(command: Option<Command>) -> Check {
    match command {
        Some(Command::Start(check)) => check,
        other => panic!("a check should start, not {other:?}"),
    }
}

/// Settings under which every periodic failure counts.
fn eager() -> HealthCheck {
    HealthCheck::new().start_period_seconds(0)
}

#[test]
fn age_is_judged_when_the_failure_is_known_s9() {
    for (finished_at, effect) in [(29, CheckEffect::Ignored), (30, CheckEffect::Counted { streak: 1 })] {
        let mut bench = Bench::ready(HealthCheck::new());
        bench.now = at(29);
        let check = started(bench.event(Event::Elapsed));
        bench.now = at(finished_at);
        assert_eq!(bench.finish(check, FAILED), None);
        assert_eq!(bench.effect(), effect, "known at {finished_at} s");
    }
}

#[test]
fn age_counts_from_the_process_and_not_from_readiness_s9_s10() {
    let mut bench = Bench::new(HealthCheck::new());
    bench.now = at(100);
    bench.event(Event::Ready);
    bench.periodic(FAILED);
    assert_eq!(bench.effect(), CheckEffect::Counted { streak: 1 });
}

#[test]
fn a_startup_timeout_raises_the_start_period_s8() {
    for (known_at, effect) in [(119, CheckEffect::Ignored), (120, CheckEffect::Counted { streak: 1 })] {
        let mut bench = Bench::with_startup_timeout(HealthCheck::new(), Some(Duration::from_secs(120)));
        assert_eq!(bench.monitor.effective_start_period(), Duration::from_secs(120));
        bench.now = at(90);
        bench.event(Event::Ready);
        let check = bench.next_check();
        bench.now = at(known_at);
        bench.finish(check, FAILED);
        assert_eq!(bench.effect(), effect, "known at {known_at} s");
    }
}

#[test]
fn a_pass_does_not_end_the_start_period_early_s10() {
    let mut bench = Bench::ready(HealthCheck::new().start_period_seconds(1_000));
    bench.periodic(Outcome::Pass);
    bench.periodic(FAILED);
    assert_eq!(bench.effect(), CheckEffect::Ignored);
}

#[test]
fn there_are_no_checks_before_readiness_s11() {
    let mut bench = Bench::new(eager());
    assert_eq!(bench.monitor.deadline(), None);
    bench.now = at(1_000);
    assert_eq!(bench.event(Event::Elapsed), None);
    assert_eq!(bench.event(Event::ManualRequested), None, "a runner that is not in service cannot ask (S32)");
    assert_eq!(bench.monitor.deadline(), None);
}

#[test]
fn there_are_no_checks_after_stopping_s11_s21b() {
    let mut bench = Bench::ready(eager());
    let check = bench.next_check();
    bench.event(Event::ManualRequested);
    assert_eq!(bench.event(Event::Stopping), None);
    assert_eq!(bench.finish(check, FAILED), None, "a check in flight is dropped without an outcome");
    assert_eq!(bench.monitor.history().len(), 0);
    assert_eq!(bench.event(Event::ManualRequested), None);
    assert_eq!(bench.event(Event::Ready), None);
    assert_eq!(bench.monitor.deadline(), None);
}

#[test]
fn the_interval_holds_whatever_a_check_takes_s12a() {
    let mut bench = Bench::ready(eager());
    let first = bench.next_check();
    let tick = bench.now;
    bench.now = tick + Duration::from_secs(4);
    bench.finish(first, Outcome::Pass);
    bench.next_check();
    assert_eq!(bench.now, tick + INTERVAL);
}

#[test]
fn a_tick_that_finds_a_check_in_flight_is_skipped_s13a() {
    let mut bench = Bench::ready(eager());
    let slow = bench.next_check();
    let tick = bench.now;
    bench.now = tick + INTERVAL * 2 + Duration::from_secs(1);
    assert_eq!(bench.monitor.deadline(), None, "one check at a time");
    assert_eq!(bench.event(Event::Elapsed), None);
    assert_eq!(bench.finish(slow, Outcome::Pass), None, "no tick is caught up");
    bench.next_check();
    assert_eq!(bench.now, tick + INTERVAL * 3);
}

#[test]
fn a_late_host_drops_the_ticks_it_missed_s12d() {
    let mut bench = Bench::ready(eager());
    let tick = bench.monitor.deadline().unwrap();
    bench.now = tick + INTERVAL * 10 + Duration::from_secs(1);
    let late = started(bench.event(Event::Elapsed));
    assert_eq!(bench.finish(late, Outcome::Pass), None);
    assert_eq!(bench.monitor.deadline(), Some(tick + INTERVAL * 11));
}

#[test]
fn a_result_counts_for_its_own_check_only_and_once_s21a() {
    let mut bench = Bench::ready(eager().failure_threshold(2));
    let first = bench.next_check();
    bench.finish(first, FAILED);
    assert_eq!(bench.finish(first, FAILED), None, "not twice");
    let second = bench.next_check();
    assert_ne!(first.id, second.id, "ids are never used again");
    assert_eq!(bench.finish(first, FAILED), None, "not for a later one");
    assert_eq!(bench.monitor.streak(), 1);
    assert!(bench.finish(second, FAILED).is_some());
}

#[test]
fn any_pass_resets_the_streak_s22() {
    for manual in [false, true] {
        let mut bench = Bench::ready(eager());
        bench.periodic(FAILED);
        bench.periodic(FAILED);
        if manual {
            let check = started(bench.event(Event::ManualRequested));
            bench.finish(check, Outcome::Pass);
        } else {
            bench.periodic(Outcome::Pass);
        }
        assert_eq!(bench.monitor.verdict(), Verdict::Healthy);
        assert_eq!(bench.periodic(FAILED), None);
        assert_eq!(bench.monitor.verdict(), Verdict::Failing { streak: 1 });
    }
}

#[test]
fn a_failure_inside_the_start_period_is_shown_and_leaves_the_streak_s23() {
    let mut bench = Bench::ready(HealthCheck::new().start_period_seconds(1_000).failure_threshold(1));
    assert_eq!(bench.periodic(FAILED), None);
    assert_eq!(bench.effect(), CheckEffect::Ignored);
    assert_eq!(bench.monitor.verdict(), Verdict::Unknown);
    bench.periodic(Outcome::Pass);
    bench.periodic(FAILED);
    assert_eq!(bench.monitor.verdict(), Verdict::Healthy, "nor does it take a pass back");
}

#[test]
fn the_threshold_makes_a_runner_unhealthy_and_not_one_failure_less_s24() {
    for threshold in 1..6 {
        let mut bench = Bench::ready(eager().failure_threshold(threshold));
        for streak in 1..threshold {
            assert_eq!(bench.periodic(FAILED), None);
            assert_eq!(bench.monitor.verdict(), Verdict::Failing { streak });
        }
        assert_eq!(bench.periodic(FAILED), Some(Command::Unhealthy(Unhealthy::Streak(threshold))));
        assert_eq!(bench.monitor.verdict(), Verdict::Unhealthy);
    }
}

#[test]
fn the_verdict_on_a_deferred_runner_is_repeated_and_a_pass_revokes_it_s26_s40d() {
    let mut bench = Bench::ready(eager().failure_threshold(1));
    assert_eq!(bench.periodic(FAILED), Some(Command::Unhealthy(Unhealthy::Streak(1))));
    assert_eq!(bench.periodic(FAILED), Some(Command::Unhealthy(Unhealthy::Streak(2))));
    bench.periodic(Outcome::Pass);
    assert_eq!(bench.monitor.verdict(), Verdict::Healthy);
}

#[test]
fn a_check_that_is_needed_now_takes_the_place_of_the_next_tick_s40f() {
    let mut bench = Bench::ready(eager());
    bench.periodic(FAILED);
    let next = bench.monitor.deadline();
    let check = started(bench.event(Event::CheckNow));
    assert_eq!(check.trigger, Trigger::Periodic);
    assert_eq!(bench.event(Event::CheckNow), None, "one is in flight");
    bench.finish(check, FAILED);
    assert_eq!((bench.monitor.streak(), bench.monitor.deadline()), (2, next));
}

#[test]
fn an_app_without_periodic_checks_gets_no_check_now_s32a_s40f() {
    let mut bench = Bench::ready(eager().call_regularly(false));
    assert_eq!(bench.event(Event::CheckNow), None);
}

#[test]
fn the_verdict_is_final_once_the_runner_is_stopping_s26() {
    let mut bench = Bench::ready(eager().failure_threshold(1));
    bench.periodic(FAILED);
    let check = started(bench.event(Event::ManualRequested));
    bench.event(Event::Stopping);
    bench.finish(check, Outcome::Pass);
    assert_eq!(bench.monitor.verdict(), Verdict::Unhealthy);
}

#[test]
fn the_history_keeps_the_last_checks_s36a() {
    let mut bench = Bench::ready(eager().failure_threshold(100));
    for _ in 0..HISTORY_LEN + 3 {
        bench.periodic(FAILED);
    }
    assert_eq!(bench.monitor.history().len(), HISTORY_LEN);
    assert_eq!(bench.effect(), CheckEffect::Counted { streak: u32::try_from(HISTORY_LEN).unwrap() + 3 });
}

#[test]
fn a_monitor_shows_the_settings_that_it_was_given_s3() {
    let config = eager().failure_threshold(7).timeout_seconds(9);
    assert_eq!(Bench::new(config).monitor.config(), config);
}
