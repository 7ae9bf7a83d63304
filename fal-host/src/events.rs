//! What the host tells people: one structured event for every transition.

use std::time::{Duration, SystemTime};

use fal_health::{CheckRecord, Inconclusive, Judgement, Outcome, Trigger};
use tokio::sync::broadcast;

use crate::RunnerId;
use crate::fleet::{Happening, Reason, RunnerRecord};

/// How many events a slow reader may be behind before it misses some.
pub(crate) const BACKLOG: usize = 1024;

/// Something that happened to a runner.
#[derive(Clone, Debug)]
pub struct Event {
    /// When.
    pub at: SystemTime,
    /// To whom.
    pub runner: RunnerId,
    /// What.
    pub happening: Happening,
}

/// The events of a host from a point in time on.
#[derive(Debug)]
pub struct EventStream {
    pub(crate) receiver: broadcast::Receiver<Event>,
    pub(crate) missed: u64,
}

impl EventStream {
    /// The next event; none once the host has ended. A reader that is more than 1,024 events behind misses the oldest.
    ///
    /// Cancel safe: an event is not lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            match self.receiver.recv().await {
                Ok(event) => return Some(event),
                Err(broadcast::error::RecvError::Lagged(missed)) => self.missed += missed,
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }

    /// How many events this reader has missed so far.
    pub fn missed(&self) -> u64 {
        self.missed
    }
}

/// Writes an event to the log.
pub(crate) fn log(runner: RunnerId, happening: &Happening) {
    match happening {
        Happening::Started { pid, effective_start_period } => {
            let pid = pid.map(tracing::field::display);
            let effective_start_period = effective_start_period.map(written).map(tracing::field::display);
            tracing::info!(%runner, pid, effective_start_period, "SETUP: started");
        }
        Happening::Progress(progress) => {
            tracing::info!(%runner, fraction = progress.fraction, "SETUP: {}", progress.message);
        }
        Happening::Ready { after } => {
            tracing::info!(%runner, after = ?rounded(*after), "IDLE: takes requests");
        }
        Happening::Checked(record) => checked(runner, record),
        Happening::Stalled { since } => {
            tracing::warn!(%runner, since = ?rounded(*since), "it answers checks, but its requests stand still");
        }
        Happening::WaitsToBeReplaced { replacing } => tracing::warn!(
            %runner,
            replacing,
            "unhealthy; it goes on until fewer runners are being replaced"
        ),
        Happening::Draining { reason, timeout } => {
            tracing::info!(%runner, %reason, timeout = %written(*timeout), "DRAINING: finishes what it has");
        }
        Happening::Terminating { reason: reason @ (Reason::Stopped | Reason::Restarted), grace_period } => {
            let grace_period = written(*grace_period);
            tracing::info!(%runner, %reason, %grace_period, "TERMINATING: told to stop");
        }
        Happening::Terminating { reason, grace_period } => {
            let grace_period = written(*grace_period);
            tracing::warn!(%runner, %reason, %grace_period, "TERMINATING: told to stop");
        }
        Happening::Killed => tracing::warn!(%runner, "TERMINATING: killed, with its process group"),
        Happening::Abandoned => {
            tracing::error!(%runner, "TERMINATING: it survives SIGKILL; the host goes on without it");
        }
        Happening::Terminated(record) => terminated(record),
        Happening::Held { wait, failed_starts } => tracing::warn!(
            %runner,
            wait = ?rounded(*wait),
            failed_starts,
            "CRASH_BACKOFF: starts fail, so the next one waits"
        ),
        Happening::RestartGivenUp => {
            tracing::error!(%runner, "its start failed: the runners that were still to be replaced stay as they are");
        }
    }
}

fn checked(runner: RunnerId, record: &CheckRecord) {
    let trigger = match record.trigger {
        Trigger::Periodic => "periodic",
        Trigger::Manual => "manual",
    };
    let took = rounded(record.duration);
    let outcome = describe(record.outcome);
    match record.judgement {
        Judgement::Passed => tracing::debug!(%runner, trigger, ?took, "health check passed"),
        Judgement::Counted { streak } => {
            tracing::warn!(%runner, trigger, %outcome, ?took, streak, "health check failed");
        }
        Judgement::Ignored => {
            tracing::info!(%runner, trigger, %outcome, ?took, "health check failed inside the start period: ignored");
        }
        Judgement::Decided => {
            tracing::warn!(%runner, trigger, %outcome, ?took, "health check failed: unhealthy");
        }
        Judgement::Inconclusive => {
            tracing::warn!(%runner, trigger, %outcome, ?took, "health check was inconclusive: not counted");
        }
    }
}

/// An outcome in words.
pub(crate) fn describe(outcome: Outcome) -> String {
    match outcome {
        Outcome::Pass => "pass".to_owned(),
        Outcome::Failure(failure) => failure.to_string(),
        Outcome::Inconclusive(Inconclusive::CouldNotAsk) => "the host could not ask".to_owned(),
        Outcome::Inconclusive(Inconclusive::HostLag(failure)) => {
            format!("{failure}, which the host's lag explains")
        }
    }
}

fn terminated(record: &RunnerRecord) {
    let RunnerRecord { id: runner, reason, detail, .. } = record;
    let exit = record.exit.map(tracing::field::display);
    let detail = detail.as_deref();
    let lived = rounded(record.ended.since(record.started));
    match reason {
        // Nothing was said of these before.
        Reason::Exited | Reason::SetupFailed => {
            tracing::warn!(%runner, %reason, exit, detail, ?lived, "TERMINATED");
        }
        _ => tracing::info!(%runner, %reason, exit, detail, ?lived, "TERMINATED"),
    }
}

/// A setting, for people, who count no time in nanoseconds.
fn written(setting: Duration) -> String {
    if setting.is_zero() { "0s".to_owned() } else { format!("{setting:?}") }
}

/// To the millisecond, or to the microsecond below one, for people.
pub(crate) fn rounded(duration: Duration) -> Duration {
    let unit = if duration < Duration::from_millis(1) { 1_000 } else { 1_000_000 };
    Duration::new(duration.as_secs(), duration.subsec_nanos() / unit * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_time_at_all_is_written_in_seconds() {
        assert_eq!(written(Duration::ZERO), "0s");
        assert_eq!(written(Duration::from_millis(1500)), "1.5s");
    }
}
