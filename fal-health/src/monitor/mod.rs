//! The sans-I/O core of health checking: which checks to make of one runner, and what to conclude from them.

mod message;
mod verdict;

use std::collections::VecDeque;
use std::time::Duration;

use crate::{
    Check, CheckEffect, CheckId, CheckRecord, HealthCheck, Inconclusive, Lifespan, Outcome, Schedule, Time,
    Trigger, effective_start_period,
};
pub use message::{Command, Event, Unhealthy};
pub use verdict::Verdict;

/// How many finished checks a monitor remembers.
pub const HISTORY_LEN: usize = 8;

/// The time from an inconclusive manual check until the next try ([S20](crate::semantics#s20)).
pub const MANUAL_RETRY: Duration = Duration::from_secs(1);

/// How many failures the host's own lag may excuse without a pass in between. The next one counts. Failures of periodic
/// checks within the start period do not use this up ([S20](crate::semantics#s20)).
pub const MAX_EXCUSED: u8 = 3;

/// Decides which checks to make of one runner, and concludes from them how healthy it is.
///
/// A monitor reads no clock and does no I/O. Its caller reports [`Event`]s, each with the time at which it became
/// known, and carries out the [`Command`]s.
///
/// # Invariant
///
/// - [`handle`](Self::handle) is the only call that changes a monitor. Every other call only reads.
/// - The times given to `handle` never run backwards, and start no earlier than [`Lifespan::started`].
/// - At most one check is in flight: from its [`Command::Start`] until its [`Event::Finished`] or until
///   [`Event::Stopping`] ([`in_flight`](Self::in_flight)). The caller reports the end of every check that it starts.
/// - [`deadline`](Self::deadline) is valid until the next `handle`. While a check is in flight it is `None`.
/// - Only `Finished` changes the [`verdict`](Self::verdict).
///
/// # Order of calls
///
/// [`Event::Ready`] comes first, and `Stopping` last; there is one of each. In between, any other event may come at any
/// time. The monitor ignores what is out of order: events before `Ready` and after `Stopping`, a second `Ready`, and a
/// `Finished` whose check is not in flight.
///
/// # The loop
///
/// ```
/// use std::time::Duration;
/// use fal_health::{Command, Event, Failure, HealthCheck, Lifespan, Monitor, Outcome, Schedule, Time, Unhealthy};
///
/// let health_check = HealthCheck::new().start_period_seconds(0);
/// let lifespan = Lifespan::new(Time::ZERO, None);
/// let mut monitor = Monitor::new(health_check, lifespan, Schedule::new(Duration::from_secs(15), 0));
///
/// let (mut now, mut event) = (Time::ZERO, Event::Ready);
/// let reason = loop {
///     // Report the event, and carry out the command.
///     let finished = match monitor.handle(now, event) {
///         // A real caller calls the health endpoint. This one answers 500 after 20 ms.
///         Some(Command::Start(check)) => {
///             let outcome = Outcome::Failure(Failure::Status(500));
///             Some((now + Duration::from_millis(20), Event::Finished { check: check.id, outcome }))
///         }
///         Some(Command::Unhealthy(reason)) => break reason,
///         None => None,
///     };
///     // Wait for the next event, and no longer than until the deadline.
///     (now, event) = match (finished, monitor.deadline()) {
///         (Some(finished), _) => finished,
///         (None, Some(deadline)) => (deadline, Event::Elapsed),
///         (None, None) => unreachable!("a ready runner has a next check"),
///     };
/// };
/// assert_eq!(reason, Unhealthy::Streak(3));
/// ```
#[derive(Clone, Debug)]
pub struct Monitor {
    config: HealthCheck,
    started: Time,
    start_period: Duration,
    schedule: Schedule,
    phase: Phase,
    passed: bool,
    streak: u32,
    manual_failed: bool,
    excused: u8,
    next_id: u64,
    history: VecDeque<CheckRecord>,
}

/// How far the runner is. It never goes back.
#[derive(Clone, Debug)]
enum Phase {
    NotReady,
    InService(InService),
    Stopping,
}

#[derive(Clone, Debug, Default)]
struct InService {
    /// When the next periodic check is due; `None` in an app without periodic checks.
    next_tick: Option<Time>,
    /// When the requested manual check may start; `None` without a request.
    manual_due: Option<Time>,
    /// The check in flight and when it started.
    in_flight: Option<(Check, Time)>,
}

impl Monitor {
    /// A monitor of a runner that is not ready yet, in an app with these settings.
    pub fn new(config: HealthCheck, lifespan: Lifespan, schedule: Schedule) -> Self {
        Self {
            config,
            started: lifespan.started,
            start_period: effective_start_period(&config, lifespan.startup_timeout),
            schedule,
            phase: Phase::NotReady,
            passed: false,
            streak: 0,
            manual_failed: false,
            excused: 0,
            next_id: 0,
            history: VecDeque::new(),
        }
    }

    /// Takes an event that became known at `now`, and returns what to do at once, if anything. What is due later shows
    /// in [`deadline`](Self::deadline).
    pub fn handle(&mut self, now: Time, event: Event) -> Option<Command> {
        match event {
            Event::Ready => {
                if matches!(self.phase, Phase::NotReady) {
                    let first = match self.schedule.start_interval() {
                        Some(_) => now,
                        None => self.schedule.next_after(now),
                    };
                    let next_tick = self.config.is_periodic().then_some(first);
                    self.phase = Phase::InService(InService { next_tick, ..InService::default() });
                }
                self.start_due(now)
            }
            Event::ManualRequested => {
                self.in_service()?.manual_due.get_or_insert(now);
                self.start_due(now)
            }
            Event::Finished { check, outcome } => {
                let in_flight = &mut self.in_service()?.in_flight;
                let (check, started) = in_flight.take_if(|(flying, _)| flying.id == check)?;
                let had_passed = self.passed;
                let unhealthy = self.conclude(now, check, started, outcome);
                if had_passed || self.schedule.start_interval().is_none() {
                    // Ticks that came while the check was in flight are skipped (S13).
                    self.skip_ticks(now);
                    self.schedule_confirmation(now, check.trigger);
                } else {
                    self.schedule_start_check(now);
                }
                match unhealthy {
                    Some(unhealthy) => Some(Command::Unhealthy(unhealthy)),
                    None => self.start_due(now),
                }
            }
            Event::Elapsed => self.start_due(now),
            Event::CheckNow => {
                self.in_service()?.next_tick.iter_mut().for_each(|tick| *tick = now.min(*tick));
                self.start_due(now)
            }
            Event::Stopping => {
                self.phase = Phase::Stopping;
                None
            }
        }
    }

    /// When to call [`handle`](Self::handle) with [`Event::Elapsed`], unless another event comes first. A time in the
    /// past means now.
    pub fn deadline(&self) -> Option<Time> {
        match &self.phase {
            Phase::InService(InService { next_tick, manual_due, in_flight: None }) => {
                [*next_tick, *manual_due].into_iter().flatten().min()
            }
            _ => None,
        }
    }

    /// The verdict so far. It is final once the runner is told to stop ([S26](crate::semantics#s26)).
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

    /// How many counted failures in a row there are.
    pub fn streak(&self) -> u32 {
        self.streak
    }

    /// The settings of the health check.
    pub fn config(&self) -> HealthCheck {
        self.config
    }

    /// The effective start period ([S8](crate::semantics#s8)).
    pub fn effective_start_period(&self) -> Duration {
        self.start_period
    }

    /// The check in flight.
    pub fn in_flight(&self) -> Option<Check> {
        match &self.phase {
            Phase::InService(InService { in_flight: Some((check, _)), .. }) => Some(*check),
            _ => None,
        }
    }

    /// The last finished checks, oldest first, at most [`HISTORY_LEN`] of them.
    pub fn history(&self) -> impl DoubleEndedIterator<Item = &CheckRecord> + ExactSizeIterator {
        self.history.iter()
    }

    fn in_service(&mut self) -> Option<&mut InService> {
        match &mut self.phase {
            Phase::InService(service) => Some(service),
            _ => None,
        }
    }

    /// Starts the check that is due, unless one is in flight. A manual check also answers the tick of the same time.
    fn start_due(&mut self, now: Time) -> Option<Command> {
        let service = self.in_service()?;
        if service.in_flight.is_some() {
            return None;
        }
        let trigger = if service.manual_due.take_if(|due| *due <= now).is_some() {
            Trigger::Manual
        } else if service.next_tick.is_some_and(|tick| tick <= now) {
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
        if let Phase::InService(InService { next_tick: Some(tick), .. }) = &mut self.phase
            && *tick <= now
        {
            *tick = schedule.next_after(now);
        }
    }

    /// Lets the next check follow sooner after a counted failure, until the runner is unhealthy or passes a check (S55).
    fn schedule_confirmation(&mut self, now: Time, trigger: Trigger) {
        let Some(interval) = self.schedule.confirm_interval() else { return };
        let is_failing = self.streak > 0 && self.streak < self.config.threshold();
        let tick = if is_failing { now + interval } else { self.schedule.next_after(now) };
        if let Phase::InService(InService { next_tick: Some(next), .. }) = &mut self.phase {
            // A manual check without an outcome does not delay the periodic one that confirms a failure.
            *next = if is_failing && trigger == Trigger::Manual { tick.min(*next) } else { tick };
        }
    }

    /// Schedules the check after one that started before the first pass (S44a).
    fn schedule_start_check(&mut self, now: Time) {
        let next = match self.schedule.start_interval() {
            Some(interval) if !self.passed => now + interval,
            _ => self.schedule.next_after(now),
        };
        if let Phase::InService(InService { next_tick: Some(tick), .. }) = &mut self.phase {
            *tick = next;
        }
    }

    fn conclude(&mut self, now: Time, check: Check, started: Time, outcome: Outcome) -> Option<Unhealthy> {
        // The age that decides is the one when the failure becomes known (S9).
        let is_ignored = check.trigger == Trigger::Periodic && now.since(self.started) < self.start_period;
        let outcome = if is_ignored { outcome } else { self.excuse(outcome) };
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
            Outcome::Failure(_) if is_ignored => (CheckEffect::Ignored, None),
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
                    // Requests that came during this check share the next try.
                    service.manual_due = Some(now + MANUAL_RETRY);
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

    /// Turns an excused failure back into a failure once the allowance is used up (S20).
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
