//! What a health check is: its settings, its schedule, and the verdict on one runner.
//!
//! Everything here is pure. Nothing reads a clock, opens a socket or waits: time comes in as a [`Time`], events come
//! in as an [`Event`], and at most one [`Command`] comes out. The same code therefore decides in production, in a
//! simulation of a day that takes milliseconds, and in an exhaustive walk over every short history.
//!
//! ```
//! use std::time::Duration;
//! use fal_health::{Command, Event, Failure, HealthCheck, Lifespan, Monitor, Outcome, Schedule, Time, Trigger, Verdict};
//!
//! let config = HealthCheck::new().start_period_seconds(0).failure_threshold(1);
//! let schedule = Schedule::new(Duration::from_secs(15), 0);
//! let mut monitor = Monitor::new(config, Lifespan { started: Time::ZERO, startup_timeout: None }, schedule);
//!
//! monitor.handle(Time::ZERO, Event::Ready);
//! let tick = monitor.deadline().expect("a periodic check is due within 15 s");
//! let Some(Command::Start(check)) = monitor.handle(tick, Event::Elapsed) else { panic!("it starts") };
//! assert_eq!(check.trigger, Trigger::Periodic);
//!
//! let failed = Event::Finished { check: check.id, outcome: Outcome::Failure(Failure::Timeout) };
//! assert!(matches!(monitor.handle(tick + check.timeout, failed), Some(Command::Unhealthy(_))));
//! assert_eq!(monitor.verdict(), Verdict::Unhealthy);
//! ```
//!
//! The numbers in these docs (`S23`) name the rules of the semantics page.

mod check;
mod config;
mod monitor;
pub mod protocol;
mod schedule;
mod time;

pub use check::{Check, CheckEffect, CheckId, CheckRecord, Failure, Inconclusive, Outcome, Trigger};
pub use config::{HealthCheck, HealthCheckSpec, effective_start_period};
pub use monitor::{
    Command, Event, HISTORY_LEN, Lifespan, MANUAL_RETRY, MAX_EXCUSED, Monitor, Unhealthy, Verdict,
};
pub use schedule::{DEFAULT_INTERVAL, Schedule};
pub use time::Time;
