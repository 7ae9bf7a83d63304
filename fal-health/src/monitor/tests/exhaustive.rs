//! Every short history, and many long ones, against a second implementation of the rules. It keeps a list of facts and
//! computes from its beginning, each time, what a monitor must say.

use super::*;

#[derive(Clone, Copy, Debug)]
enum Fact {
    Ready(Time),
    Asked(Time),
    /// A periodic check is wanted at once (S40f).
    Wanted(Time),
    Began(Time, Trigger),
    Ended(Time, Outcome),
    Stopped,
}

/// The rules for a runner that was started at 0, and whose ticks are the multiples of [`INTERVAL`].
#[derive(Clone, Debug)]
struct Rules {
    config: HealthCheck,
    start_period: Duration,
    facts: Vec<Fact>,
}

impl Rules {
    fn in_service(&self) -> bool {
        let has = |wanted: fn(&Fact) -> bool| self.facts.iter().any(wanted);
        has(|fact| matches!(fact, Fact::Ready(_))) && !has(|fact| matches!(fact, Fact::Stopped))
    }

    /// The triggers of all checks, in order.
    fn began(&self) -> Vec<Trigger> {
        let began = |fact: &Fact| if let Fact::Began(_, trigger) = fact { Some(*trigger) } else { None };
        self.facts.iter().filter_map(began).collect()
    }

    /// The check in flight: its number, and why it is made (S13, S21).
    fn in_flight(&self) -> Option<(usize, Trigger)> {
        let began = self.began();
        let ended = self.facts.iter().filter(|fact| matches!(fact, Fact::Ended(..))).count();
        let last = began.len().checked_sub(1).filter(|_| began.len() > ended && self.in_service())?;
        Some((last, began[last]))
    }

    /// The effect of each ended check (S20, S22 to S25).
    fn judged(&self) -> Vec<CheckEffect> {
        let began = self.began();
        let mut judged: Vec<CheckEffect> = Vec::new();
        let (mut streak, mut excused) = (0, 0);
        for fact in &self.facts {
            let Fact::Ended(now, outcome) = fact else { continue };
            let manual = began[judged.len()] == Trigger::Manual;
            let ignored = !manual && now.since_start() < self.start_period;
            let fails = match outcome {
                Outcome::Failure(_) => true,
                Outcome::Pass | Outcome::Inconclusive(Inconclusive::CouldNotAsk) => false,
                Outcome::Inconclusive(Inconclusive::HostLag(_)) if ignored => false,
                Outcome::Inconclusive(Inconclusive::HostLag(_)) => {
                    excused += 1;
                    excused > 3
                }
            };
            judged.push(match outcome {
                Outcome::Pass => {
                    (streak, excused) = (0, 0);
                    CheckEffect::Passed
                }
                _ if fails && manual => CheckEffect::ManualFailure,
                _ if fails && ignored => CheckEffect::Ignored,
                _ if fails => {
                    streak += 1;
                    CheckEffect::Counted { streak }
                }
                _ => CheckEffect::Inconclusive,
            });
        }
        judged
    }

    fn verdict(&self) -> Verdict {
        let judged = self.judged();
        let passed = judged.iter().rposition(|effect| *effect == CheckEffect::Passed);
        let since = &judged[passed.map_or(0, |passed| passed + 1)..];
        let failures = since.iter().filter(|effect| matches!(effect, CheckEffect::Counted { .. })).count();
        match u32::try_from(failures).unwrap() {
            _ if since.contains(&CheckEffect::ManualFailure) => Verdict::Unhealthy,
            streak if streak >= self.config.threshold() => Verdict::Unhealthy,
            0 if passed.is_some() => Verdict::Healthy,
            0 => Verdict::Unknown,
            streak => Verdict::Failing { streak },
        }
    }

    /// When a manual check may start, if one is wanted (S20, S31).
    fn manual(&self) -> Option<Time> {
        let (triggers, judged) = (self.began(), self.judged());
        let mut wanted = None;
        let (mut begun, mut ended) = (0, 0);
        for fact in &self.facts {
            match *fact {
                Fact::Asked(now) => wanted = wanted.or(Some(now)),
                Fact::Began(..) => {
                    if triggers[begun] == Trigger::Manual {
                        wanted = None;
                    }
                    begun += 1;
                }
                Fact::Ended(now, _) => {
                    if triggers[ended] == Trigger::Manual && judged[ended] == CheckEffect::Inconclusive {
                        wanted = Some(now + Duration::from_secs(1));
                    }
                    ended += 1;
                }
                Fact::Ready(_) | Fact::Wanted(_) | Fact::Stopped => {}
            }
        }
        wanted
    }

    /// The first tick after the runner was ready, and after whatever check there was (S12, S13).
    fn tick(&self) -> Option<Time> {
        let mut wanted = None;
        let last = self.facts.iter().rev().find_map(|fact| match fact {
            Fact::Ready(now) | Fact::Began(now, _) | Fact::Ended(now, _) => Some(*now),
            Fact::Wanted(now) => {
                wanted = Some(*now);
                None
            }
            Fact::Asked(_) | Fact::Stopped => None,
        })?;
        let mut tick = Time::ZERO;
        while tick <= last {
            tick = tick + INTERVAL;
        }
        self.config.is_periodic().then_some(wanted.map_or(tick, |wanted| wanted.min(tick)))
    }

    fn deadline(&self) -> Option<Time> {
        let idle = self.in_service() && self.in_flight().is_none();
        if idle { [self.manual(), self.tick()].into_iter().flatten().min() } else { None }
    }

    /// A check starts, if one is due: a manual one first.
    fn start(&mut self, now: Time) -> Option<Command> {
        self.deadline().filter(|due| *due <= now)?;
        let manual = self.manual().is_some_and(|due| due <= now);
        let trigger = if manual { Trigger::Manual } else { Trigger::Periodic };
        let id = CheckId(u64::try_from(self.began().len()).unwrap());
        self.facts.push(Fact::Began(now, trigger));
        Some(Command::Start(Check { id, trigger, timeout: self.config.timeout() }))
    }

    fn handle(&mut self, now: Time, event: Event) -> Option<Command> {
        match event {
            Event::Ready => {
                let fresh = !self.facts.iter().any(|fact| matches!(fact, Fact::Ready(_) | Fact::Stopped));
                self.facts.extend(fresh.then_some(Fact::Ready(now)));
                None
            }
            Event::Stopping => {
                self.facts.push(Fact::Stopped);
                None
            }
            Event::ManualRequested => {
                let in_service = self.in_service();
                self.facts.extend(in_service.then_some(Fact::Asked(now)));
                self.start(now)
            }
            Event::CheckNow => {
                let idle = self.in_service() && self.in_flight().is_none();
                self.facts.extend(idle.then_some(Fact::Wanted(now)));
                self.start(now)
            }
            Event::Elapsed => self.start(now),
            Event::Finished { check, outcome } => {
                self.in_flight().filter(|(number, _)| u64::try_from(*number) == Ok(check.0))?;
                self.facts.push(Fact::Ended(now, outcome));
                match self.judged().last()? {
                    CheckEffect::ManualFailure => Some(Command::Unhealthy(Unhealthy::ManualCheckFailed)),
                    CheckEffect::Counted { streak } if *streak >= self.config.threshold() => {
                        Some(Command::Unhealthy(Unhealthy::Streak(*streak)))
                    }
                    _ => self.start(now),
                }
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// Advances time to the deadline, or by ten seconds without a deadline.
    Wait,
    /// The same, but a slow host looks only two and a half intervals later.
    Late,
    /// Advances time a little and calls the monitor, whether or not something is due.
    Early,
    Ready,
    Manual,
    CheckNow,
    Finish(Outcome),
    /// The result of a check that was made before.
    Stale,
    Stop,
}

const STEPS: [Step; 12] = [
    Step::Wait,
    Step::Late,
    Step::Early,
    Step::Ready,
    Step::Manual,
    Step::CheckNow,
    Step::Finish(Outcome::Pass),
    Step::Finish(FAILED),
    Step::Finish(COULD_NOT_ASK),
    Step::Finish(LAGGED),
    Step::Stale,
    Step::Stop,
];

#[derive(Clone)]
struct Walk {
    monitor: Monitor,
    rules: Rules,
    now: Time,
}

impl Walk {
    fn new(config: HealthCheck, startup_timeout: Option<Duration>) -> Self {
        let bench = Bench::with_startup_timeout(config, startup_timeout);
        let start_period = startup_timeout.unwrap_or_default().max(config.start_period());
        Self {
            monitor: bench.monitor,
            rules: Rules { config, start_period, facts: Vec::new() },
            now: bench.now,
        }
    }

    /// Whether the step makes a difference worth a walk of its own.
    fn matters(&self, step: Step) -> bool {
        match step {
            Step::Finish(_) => self.rules.in_flight().is_some(),
            Step::Stale => self.rules.began().len() > 1 && self.rules.in_flight().is_some(),
            // Once more is tried early on.
            Step::Ready => self.rules.facts.len() < 2,
            Step::Wait | Step::Late | Step::Early | Step::Manual | Step::CheckNow | Step::Stop => true,
        }
    }

    fn step(&mut self, step: Step) {
        let due = self.rules.deadline();
        let event = match step {
            Step::Wait => {
                self.now = due.unwrap_or(self.now + Duration::from_secs(10)).max(self.now);
                Event::Elapsed
            }
            Step::Late => {
                self.now = due.unwrap_or(self.now).max(self.now) + INTERVAL.mul_f64(2.5);
                Event::Elapsed
            }
            Step::Early => {
                self.now = self.now + Duration::from_millis(400);
                Event::Elapsed
            }
            Step::Ready => Event::Ready,
            Step::Manual => Event::ManualRequested,
            Step::CheckNow => Event::CheckNow,
            Step::Finish(outcome) => {
                let number = self.rules.in_flight().map_or(0, |(number, _)| number);
                Event::Finished { check: CheckId(u64::try_from(number).unwrap()), outcome }
            }
            Step::Stale => Event::Finished { check: CheckId(0), outcome: FAILED },
            Step::Stop => Event::Stopping,
        };
        let said = self.monitor.handle(self.now, event);
        assert_eq!(said, self.rules.handle(self.now, event), "{step:?} after {:#?}", self.rules);
        self.compare();
    }

    fn compare(&self) {
        let (monitor, rules) = (&self.monitor, &self.rules);
        assert_eq!(monitor.deadline(), rules.deadline(), "{rules:#?}");
        assert_eq!(monitor.verdict(), rules.verdict(), "{rules:#?}");
        let in_flight =
            monitor.in_flight().map(|check| (usize::try_from(check.id.0).unwrap(), check.trigger));
        assert_eq!(in_flight, rules.in_flight(), "{rules:#?}");
        let judged = rules.judged();
        let remembered = &judged[judged.len().saturating_sub(HISTORY_LEN)..];
        let shown: Vec<_> = monitor.history().map(|record| record.effect).collect();
        assert_eq!(shown, remembered, "{rules:#?}");
        assert_eq!(monitor.has_passed(), judged.contains(&CheckEffect::Passed));
    }

    fn explore(&self, depth: u32, walked: &mut u64) {
        if depth == 0 {
            *walked += 1;
            return;
        }
        for step in STEPS.into_iter().filter(|step| self.matters(*step)) {
            let mut next = self.clone();
            next.step(step);
            // After a stop, whatever comes first is as good as whatever comes later.
            let left = if matches!(step, Step::Stop) { depth.min(2) } else { depth };
            next.explore(left - 1, walked);
        }
    }
}

/// Settings between which every rule makes a difference. The start period ends at the second tick, at that very moment.
fn all_settings() -> Vec<Walk> {
    let mut all = Vec::new();
    for regularly in [true, false] {
        for threshold in [1, 2] {
            let config = HealthCheck::new()
                .start_period_seconds(15)
                .failure_threshold(threshold)
                .call_regularly(regularly);
            all.push(Walk::new(config, None));
        }
    }
    all.push(Walk::new(HealthCheck::new().start_period_seconds(0), Some(Duration::from_secs(30))));
    all
}

#[test]
fn every_short_history_says_what_the_rules_say_s8_s9_s11_s12_s13_s20_s21_s22_s23_s24_s25_s26_s31_s32() {
    let mut walked = 0;
    for mut walk in all_settings() {
        walk.explore(3, &mut walked);
        // Most of what can happen needs a runner that is ready.
        walk.step(Step::Ready);
        walk.explore(6, &mut walked);
    }
    assert!(walked > 100_000, "{walked} histories");
}

#[test]
fn many_long_histories_say_what_the_rules_say() {
    let mut random = 1_u64;
    for round in 0..1_000 {
        let settings = all_settings();
        let mut walk = settings[round % settings.len()].clone();
        walk.step(Step::Ready);
        for _ in 0..60 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let step = STEPS[usize::try_from(random >> 33).unwrap() % STEPS.len()];
            // A stop ends the story: it comes once in a while only.
            if walk.matters(step) && !(matches!(step, Step::Stop) && random >> 60 != 0) {
                walk.step(step);
            }
        }
    }
}
