use std::collections::VecDeque;
use std::time::Duration;

use crate::{
    Check, CheckEffect, CheckId, CheckRecord, HealthCheck, Inconclusive, Outcome, Schedule, Time, Trigger,
    effective_start_period,
};

/// How many finished checks a monitor remembers.
pub const HISTORY_LEN: usize = 8;

/// How long after an inconclusive manual check it is tried again (S20).
pub const MANUAL_RETRY: Duration = Duration::from_secs(1);

/// How many failures in a row the host's own lag may excuse; the next one decides. A pass renews the allowance (S20).
pub const MAX_EXCUSED: u8 = 3;

/// What a monitor has to know of its runner's life besides the settings of the check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifespan {
    /// When the runner's process was started: its age counts from here (S7).
    pub started: Time,
    /// The app's `startup_timeout`, where it declares one (S8).
    pub startup_timeout: Option<Duration>,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The runner takes requests from now on (S11).
    Ready,
    /// A response of the runner asked for a check (S27).
    ManualRequested,
    /// A check ended. One that is not in flight says nothing (S21).
    Finished {
        /// Which one.
        check: CheckId,
        /// What it showed.
        outcome: Outcome,
    },
    /// Time has passed: send it at [`Monitor::deadline`]. Earlier or later does no harm.
    Elapsed,
    /// The runner starts draining or is told to stop. Nothing follows (S11, S21).
    Stopping,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Make this check now, and report its end as [`Event::Finished`].
    Start(Check),
    /// The runner is unhealthy. Said again at every further failure, until a pass or [`Event::Stopping`]: a runner
    /// whose end has to wait its turn is still checked (S40).
    Unhealthy(Unhealthy),
}

/// Why a runner is unhealthy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unhealthy {
    /// As many counted failures in a row as the threshold, or more (S24).
    Streak(u32),
    /// A manual check failed (S25).
    ManualCheckFailed,
}

/// What the host concludes of a runner so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Nothing yet.
    Unknown,
    /// The last conclusive check passed.
    Healthy,
    /// Some counted failures, fewer than the threshold.
    Failing {
        /// How many in a row.
        streak: u32,
    },
    /// It is to be replaced.
    Unhealthy,
}

impl Verdict {
    /// The name of the verdict in the admin interface.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Healthy => "healthy",
            Self::Failing { .. } => "failing",
            Self::Unhealthy => "unhealthy",
        }
    }
}

/// The verdict on one runner: which checks to make, and what to conclude of them.
///
/// It holds no clock. Give it every event with the time it became known ([`handle`](Self::handle)), and call it with
/// [`Event::Elapsed`] at its [`deadline`](Self::deadline). Times given must not run backwards.
#[derive(Clone, Debug)]
pub struct Monitor {
    config: HealthCheck,
    started: Time,
    start_period: Duration,
    schedule: Schedule,
    service: Service,
    passed: bool,
    streak: u32,
    manual_failed: bool,
    excused: u8,
    next_id: u64,
    history: VecDeque<CheckRecord>,
}

#[derive(Clone, Debug)]
enum Service {
    NotYet,
    In(InService),
    Over,
}

#[derive(Clone, Debug, Default)]
struct InService {
    /// When the next periodic check is due; none in an app without them.
    tick: Option<Time>,
    /// When the manual check that is waited for may start; none where none is.
    manual: Option<Time>,
    in_flight: Option<(Check, Time)>,
}

impl Monitor {
    /// A monitor of a runner that is not ready yet.
    pub fn new(config: HealthCheck, lifespan: Lifespan, schedule: Schedule) -> Self {
        Self {
            config,
            started: lifespan.started,
            start_period: effective_start_period(&config, lifespan.startup_timeout),
            schedule,
            service: Service::NotYet,
            passed: false,
            streak: 0,
            manual_failed: false,
            excused: 0,
            next_id: 0,
            history: VecDeque::new(),
        }
    }

    /// Takes what happened at `now` and says what to do, if anything. Whatever is due besides shows in
    /// [`deadline`](Self::deadline).
    pub fn handle(&mut self, now: Time, event: Event) -> Option<Command> {
        match event {
            Event::Ready => {
                if matches!(self.service, Service::NotYet) {
                    let tick = self.config.is_periodic().then(|| self.schedule.next_after(now));
                    self.service = Service::In(InService { tick, ..InService::default() });
                }
                None
            }
            Event::ManualRequested => {
                self.in_service()?.manual.get_or_insert(now);
                self.start_due(now)
            }
            Event::Finished { check, outcome } => {
                let in_flight = &mut self.in_service()?.in_flight;
                let (check, started) = in_flight.take_if(|(flying, _)| flying.id == check)?;
                let unhealthy = self.conclude(now, check, started, outcome);
                // The tick of a check's own duration found it in flight and is skipped (S13).
                self.skip_ticks(now);
                match unhealthy {
                    Some(unhealthy) => Some(Command::Unhealthy(unhealthy)),
                    None => self.start_due(now),
                }
            }
            Event::Elapsed => self.start_due(now),
            Event::Stopping => {
                self.service = Service::Over;
                None
            }
        }
    }

    /// When it wants to be called next with [`Event::Elapsed`], if ever. It may lie in the past: then at once.
    pub fn deadline(&self) -> Option<Time> {
        match &self.service {
            Service::In(InService { tick, manual, in_flight: None }) => {
                [*tick, *manual].into_iter().flatten().min()
            }
            _ => None,
        }
    }

    /// What is concluded so far. Final once the runner is told to stop (S26).
    pub fn verdict(&self) -> Verdict {
        match self.streak {
            _ if self.manual_failed => Verdict::Unhealthy,
            streak if streak >= self.config.threshold() => Verdict::Unhealthy,
            0 if self.passed => Verdict::Healthy,
            0 => Verdict::Unknown,
            streak => Verdict::Failing { streak },
        }
    }

    /// Whether any check has passed.
    pub fn has_passed(&self) -> bool {
        self.passed
    }

    /// Consecutive counted failures.
    pub fn streak(&self) -> u32 {
        self.streak
    }

    /// The settings it judges by.
    pub fn config(&self) -> HealthCheck {
        self.config
    }

    /// The start period that counts (S8).
    pub fn effective_start_period(&self) -> Duration {
        self.start_period
    }

    /// The check that is being made.
    pub fn in_flight(&self) -> Option<Check> {
        match &self.service {
            Service::In(InService { in_flight: Some((check, _)), .. }) => Some(*check),
            _ => None,
        }
    }

    /// The last finished checks, oldest first, at most [`HISTORY_LEN`] of them.
    pub fn history(&self) -> impl DoubleEndedIterator<Item = &CheckRecord> + ExactSizeIterator {
        self.history.iter()
    }

    fn in_service(&mut self) -> Option<&mut InService> {
        match &mut self.service {
            Service::In(service) => Some(service),
            _ => None,
        }
    }

    /// Starts what is due, one check at a time. A manual check stands in for the tick it coincides with.
    fn start_due(&mut self, now: Time) -> Option<Command> {
        let service = self.in_service()?;
        if service.in_flight.is_some() {
            return None;
        }
        let trigger = if service.manual.take_if(|due| *due <= now).is_some() {
            Trigger::Manual
        } else if service.tick.is_some_and(|tick| tick <= now) {
            Trigger::Periodic
        } else {
            return None;
        };
        self.skip_ticks(now);
        let check = Check { id: CheckId(self.next_id), trigger, timeout: self.config.timeout() };
        self.next_id += 1;
        self.in_service()?.in_flight = Some((check, now));
        Some(Command::Start(check))
    }

    fn skip_ticks(&mut self, now: Time) {
        let schedule = self.schedule;
        if let Service::In(InService { tick: Some(tick), .. }) = &mut self.service
            && *tick <= now
        {
            *tick = schedule.next_after(now);
        }
    }

    fn conclude(&mut self, now: Time, check: Check, started: Time, outcome: Outcome) -> Option<Unhealthy> {
        let outcome = self.excuse(outcome);
        let (effect, unhealthy) = match outcome {
            Outcome::Pass => {
                self.passed = true;
                self.streak = 0;
                self.manual_failed = false;
                self.excused = 0;
                (CheckEffect::Passed, None)
            }
            Outcome::Failure(_) if check.trigger == Trigger::Manual => {
                self.manual_failed = true;
                (CheckEffect::ManualFailure, Some(Unhealthy::ManualCheckFailed))
            }
            // Its age now, when the failure is known, and not when it was asked (S9).
            Outcome::Failure(_) if now.since(self.started) < self.start_period => {
                (CheckEffect::Ignored, None)
            }
            Outcome::Failure(_) => {
                self.streak = self.streak.saturating_add(1);
                let reached = self.streak >= self.config.threshold();
                (
                    CheckEffect::Counted { streak: self.streak },
                    reached.then_some(Unhealthy::Streak(self.streak)),
                )
            }
            Outcome::Inconclusive(_) => {
                if check.trigger == Trigger::Manual
                    && let Some(service) = self.in_service()
                {
                    // Requests that came meanwhile share the next try.
                    service.manual = Some(now + MANUAL_RETRY);
                }
                (CheckEffect::Inconclusive, None)
            }
        };
        if self.history.len() == HISTORY_LEN {
            self.history.pop_front();
        }
        let Check { id, trigger, .. } = check;
        self.history.push_back(CheckRecord {
            id,
            trigger,
            outcome,
            started,
            duration: now.since(started),
            effect,
        });
        unhealthy
    }

    /// Excuses a failure that the host's lag explains, until the allowance is used up (S20).
    fn excuse(&mut self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Inconclusive(Inconclusive::HostLag(failure)) if self.excused == MAX_EXCUSED => {
                Outcome::Failure(failure)
            }
            Outcome::Inconclusive(Inconclusive::HostLag(_)) => {
                self.excused += 1;
                outcome
            }
            outcome => outcome,
        }
    }
}

#[cfg(test)]
mod tests;
