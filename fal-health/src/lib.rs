//! Health checks: their settings, their schedule, the verdict on one runner, and the protocol between host and runner.
//!
//! - [`HealthCheck`] has the settings that an app declares.
//! - [`Monitor`] is a sans-I/O core: it decides when to check a runner and concludes from the outcomes how healthy the
//!   runner is. Its page has the loop that drives it.
//! - [`protocol`] is the contract between a host and its runners.
//! - [`metrics`] is what both of them count.
//!
//! This crate reads no clock, opens no socket and never waits. Time comes in as a [`Time`] and events as an [`Event`];
//! at most one [`Command`] comes out. So the same code decides in production, in a simulation of a day that takes
//! milliseconds, and in an exhaustive test of every short history.
//!
//! ```
//! use std::time::Duration;
//! use fal_health::{Command, Event, Failure, HealthCheck, Lifespan, Monitor, Outcome, Schedule, Time, Trigger, Verdict};
//!
//! let config = HealthCheck::new().start_period_seconds(0).failure_threshold(1);
//! let schedule = Schedule::new(Duration::from_secs(15), 0);
//! let mut monitor = Monitor::new(config, Lifespan::new(Time::ZERO, None), schedule);
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
//! Numbers such as [S23](semantics#s23) name rules. [`semantics`] has all of them.

mod check;
mod config;
pub mod metrics;
mod monitor;
pub mod protocol;
mod schedule;
#[expect(clippy::doc_markdown, reason = "the rules write the names of states without backticks")]
#[doc = include_str!("semantics.md")]
pub mod semantics {}
mod time;

pub use check::{Check, CheckEffect, CheckId, CheckRecord, Failure, Inconclusive, Outcome, Trigger};
pub use config::{HealthCheck, HealthCheckSpec, Lifespan, effective_start_period};
pub use monitor::{Command, Event, HISTORY_LEN, MANUAL_RETRY, MAX_EXCUSED, Monitor, Unhealthy, Verdict};
pub use schedule::{DEFAULT_INTERVAL, Schedule};
pub use time::Time;
