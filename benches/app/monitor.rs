//! Events of a `Monitor`: passed checks at their ticks.

use std::time::Duration;

use anyhow::{Result, ensure};
use fal_health::{Command, Event, HealthCheck, Lifespan, Monitor, Outcome, Schedule, Time, Verdict};

/// Feeds a monitor this many pairs of events: a tick that starts a check, and the pass that ends it.
pub(crate) fn feed(pairs: u64) -> Result<()> {
    let schedule = Schedule::new(Duration::from_secs(15), 0);
    let mut monitor = Monitor::new(HealthCheck::new(), Lifespan::new(Time::ZERO, None), schedule);
    monitor.handle(Time::ZERO, Event::Ready);
    for _ in 0..pairs {
        let due = monitor.deadline().unwrap_or(Time::ZERO);
        if let Some(Command::Start(check)) = monitor.handle(due, Event::Elapsed) {
            monitor.handle(due, Event::Finished { check: check.id, outcome: Outcome::Pass });
        }
    }
    ensure!(monitor.verdict() == Verdict::Healthy, "the checks have passed");
    Ok(())
}
