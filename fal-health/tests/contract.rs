//! How long it takes from a fault to the verdict: the formulas of `docs/supervision.md`, over many settings, phases and
//! moments of the fault.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use fal_health::{
    Command, Event, Failure, HealthCheck, Inconclusive, Lifespan, Monitor, Outcome, Schedule, Time,
};

/// What becomes of a runner's checks from its fault on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// They are answered at once, with an error.
    Answers,
    /// They are not answered.
    Hangs,
    /// They are not answered, and the host's lag explains that, as far as it is believed to (S20).
    HangsBesideLag,
}

#[derive(Clone, Copy, Debug)]
struct Settings {
    threshold: u32,
    interval: Duration,
    timeout: Duration,
    start_period: Duration,
}

impl Settings {
    /// The distance between two checks that hang: ticks that find one in flight are skipped (S13).
    fn distance(self) -> Duration {
        let skipped = self.timeout.as_millis() / self.interval.as_millis();
        self.interval * (u32::try_from(skipped).expect("few are skipped") + 1)
    }

    /// Between what the time from the fault, or from the end of the start period if that is later, to the verdict lies,
    /// where checks that pass take `answer`: one that is under way when the fault comes may fail.
    fn bounds(self, fault: Fault, answer: Duration) -> (Duration, Duration) {
        let Self { threshold, interval, timeout, .. } = self;
        let between = threshold - 1;
        match fault {
            Fault::Answers => {
                let earliest = (interval * between).saturating_sub(answer.min(interval));
                (earliest, interval * threshold)
            }
            Fault::Hangs => (self.distance() * between, interval + self.distance() * between + timeout),
            // Three are excused, unless they were excused inside the start period.
            Fault::HangsBesideLag => {
                let (earliest, latest) = self.bounds(Fault::Hangs, answer);
                (earliest, latest + self.distance() * 3)
            }
        }
    }

    /// From the fault, or the end of the start period, to the verdict. Checks that pass take `answer`.
    fn delay(self, fault: Fault, at: Time, answer: Duration, phase: u64) -> Duration {
        self.delay_by(Schedule::new(self.interval, phase), fault, at, answer)
    }

    fn delay_by(self, schedule: Schedule, fault: Fault, at: Time, answer: Duration) -> Duration {
        let seconds = |time: Duration| u32::try_from(time.as_secs()).expect("times are short");
        let health = HealthCheck::new()
            .start_period_seconds(seconds(self.start_period))
            .timeout_seconds(seconds(self.timeout))
            .failure_threshold(self.threshold);
        let lifespan = Lifespan::new(Time::ZERO, None);
        let mut monitor = Monitor::new(health, lifespan, schedule);
        monitor.handle(Time::ZERO, Event::Ready);
        loop {
            let now = monitor.deadline().expect("there is always another tick");
            let Some(Command::Start(check)) = monitor.handle(now, Event::Elapsed) else {
                panic!("a tick starts a check");
            };
            let (end, outcome) = match fault {
                _ if now + answer <= at => (now + answer, Outcome::Pass),
                Fault::Answers => (now.max(at), Outcome::Failure(Failure::Status(500))),
                Fault::Hangs => (now + self.timeout, Outcome::Failure(Failure::Timeout)),
                Fault::HangsBesideLag => {
                    (now + self.timeout, Outcome::Inconclusive(Inconclusive::HostLag(Failure::Timeout)))
                }
            };
            if let Some(Command::Unhealthy(_)) =
                monitor.handle(end, Event::Finished { check: check.id, outcome })
            {
                return end.since(at.max(Time::ZERO + self.start_period));
            }
        }
    }
}

/// How long a runner that never passes lives after it is ready, or after its start period if that ends later (S44c).
fn delay_without_a_pass(
    settings: Settings,
    start_interval: Duration,
    ready: Time,
    answer: Duration,
) -> Duration {
    let seconds = |time: Duration| u32::try_from(time.as_secs()).expect("times are short");
    let health = HealthCheck::new()
        .start_period_seconds(seconds(settings.start_period))
        .timeout_seconds(seconds(settings.timeout))
        .failure_threshold(settings.threshold);
    let schedule = Schedule::new(settings.interval, 1).with_start_interval(start_interval);
    let mut monitor = Monitor::new(health, Lifespan::new(Time::ZERO, None), schedule);
    let (mut now, mut event) = (ready, Event::Ready);
    loop {
        let Some(Command::Start(check)) = monitor.handle(now, event) else { panic!("a check is due") };
        now = now + answer;
        let outcome = Outcome::Failure(Failure::Timeout);
        let command = monitor.handle(now, Event::Finished { check: check.id, outcome });
        if matches!(command, Some(Command::Unhealthy(_))) {
            return now.since(ready.max(Time::ZERO + settings.start_period));
        }
        (now, event) = (monitor.deadline().expect("a check follows"), Event::Elapsed);
    }
}

/// The shortest and the longest time from the fault to the verdict with a confirm interval, as the page says (S55).
fn confirmed_bounds(settings: Settings, fault: Fault, confirm: Duration) -> (Duration, Duration) {
    let Settings { threshold, interval, timeout, .. } = settings;
    let duration = if fault == Fault::Answers { Duration::ZERO } else { timeout };
    let between = confirm.min(interval);
    (between * (threshold - 1), interval + duration + (between + duration) * (threshold - 1))
}

fn grid() -> Vec<Settings> {
    let mut grid = Vec::new();
    for threshold in [1, 2, 3, 5] {
        for timeout in [1, 5, 14, 15, 16, 40] {
            for start_period in [0, 100] {
                grid.push(Settings {
                    threshold,
                    interval: Duration::from_secs(15),
                    timeout: Duration::from_secs(timeout),
                    start_period: Duration::from_secs(start_period),
                });
            }
        }
    }
    grid
}

/// The shortest and the longest delay there is, over phases and moments of the fault.
fn range(settings: Settings, fault: Fault, answer: Duration) -> (Duration, Duration) {
    let mut range = (Duration::MAX, Duration::ZERO);
    for phase in 1..=5 {
        for moment in 0..40 {
            let at = Time::after_start(Duration::from_millis(60_000 + moment * 1_500));
            let delay = settings.delay(fault, at, answer, phase);
            range = (range.0.min(delay), range.1.max(delay));
        }
    }
    range
}

#[test]
fn a_verdict_comes_in_the_documented_time_whatever_the_settings_s9_s12_s13_s20_s24() {
    for settings in grid() {
        for fault in [Fault::Answers, Fault::Hangs, Fault::HangsBesideLag] {
            for answer in [Duration::ZERO, settings.timeout.mul_f64(0.95)] {
                let (shortest, longest) = range(settings, fault, answer);
                let (earliest, latest) = settings.bounds(fault, answer);
                assert!(shortest >= earliest, "{fault:?} {settings:?}: {shortest:?} is before {earliest:?}");
                assert!(longest <= latest, "{fault:?} {settings:?}: {longest:?} is after {latest:?}");
            }
        }
    }
}

#[test]
fn the_documented_times_of_the_defaults_are_no_wider_than_they_have_to_be() {
    let settings = Settings {
        threshold: 3,
        interval: Duration::from_secs(15),
        timeout: Duration::from_secs(5),
        start_period: Duration::ZERO,
    };
    let quick = Duration::ZERO;
    for (fault, from, to) in
        [(Fault::Answers, 30, 45), (Fault::Hangs, 30, 50), (Fault::HangsBesideLag, 30, 95)]
    {
        let (earliest, latest) = settings.bounds(fault, quick);
        assert_eq!((earliest, latest), (Duration::from_secs(from), Duration::from_secs(to)));
        let (_, longest) = range(settings, fault, quick);
        assert!(longest + Duration::from_secs(1) > latest, "{fault:?}: {longest:?}");
    }
    let (shortest, _) = range(settings, Fault::Answers, quick);
    assert!(shortest < Duration::from_secs(31), "{shortest:?}");
    let (shortest, _) = range(settings, Fault::Hangs, settings.timeout.mul_f64(0.95));
    assert!(shortest < Duration::from_secs(31), "{shortest:?}");
}

#[test]
fn a_runner_that_never_passes_is_unhealthy_in_the_documented_time_s9_s44c() {
    let start_interval = Duration::from_secs(1);
    for settings in grid() {
        for answer in [Duration::ZERO, settings.timeout] {
            let between = start_interval + answer;
            let (earliest, latest) = (between * (settings.threshold - 1), between * settings.threshold);
            for moment in 0..200 {
                let ready = Time::after_start(Duration::from_millis(moment * 730));
                let delay = delay_without_a_pass(settings, start_interval, ready, answer);
                assert!(delay >= earliest && delay <= latest, "{settings:?}, ready at {ready:?}: {delay:?}");
            }
        }
    }
}

#[test]
fn with_a_confirm_interval_a_verdict_comes_in_the_documented_time_s55a() {
    for settings in grid().into_iter().filter(|settings| settings.timeout <= settings.interval) {
        for confirm in [1, 2, 10, 60].map(Duration::from_secs) {
            for fault in [Fault::Answers, Fault::Hangs] {
                let (earliest, latest) = confirmed_bounds(settings, fault, confirm);
                for (phase, moment) in (1..=5).flat_map(|phase| (0..40).map(move |moment| (phase, moment))) {
                    let at = Time::after_start(Duration::from_millis(60_000 + moment * 1_500));
                    let schedule = Schedule::new(settings.interval, phase).with_confirm_interval(confirm);
                    let delay = settings.delay_by(schedule, fault, at, Duration::ZERO);
                    assert!(
                        delay >= earliest,
                        "{fault:?} {settings:?} {confirm:?}: {delay:?} < {earliest:?}"
                    );
                    assert!(delay <= latest, "{fault:?} {settings:?} {confirm:?}: {delay:?} > {latest:?}");
                }
            }
        }
    }
}
