//! The times of a deployed app, in whole seconds.

use std::time::Duration;

use crate::app::Settings;

/// How much longer than its parts a stop may take.
const MARGIN: u64 = 5;

/// How long the image of a pod may take to arrive, in seconds.
const PULL: u64 = 300;

/// The times of a deployed app, in seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) startup: u64,
    pub(super) grace: u64,
    pub(super) lame_duck: u64,
    pub(super) drain: u64,
}

impl Times {
    pub(super) fn new(settings: &Settings, lame_duck: Duration, drain: Duration) -> Self {
        Self {
            startup: whole_seconds(settings.startup_limit()),
            grace: whole_seconds(settings.termination_grace_period()),
            lame_duck: whole_seconds(lame_duck),
            drain: whole_seconds(drain),
        }
    }

    /// The same with another grace period.
    #[cfg(feature = "yaml")]
    pub(super) fn with_grace(self, grace: Duration) -> Self {
        Self { grace: whole_seconds(grace), ..self }
    }

    /// How long a stop may take.
    pub(super) fn stop(self) -> u64 {
        self.lame_duck + self.drain + self.grace + MARGIN
    }

    /// How long Kubernetes waits for the probe of a start: a tenth longer than the app may take.
    pub(super) fn startup_window(self) -> u64 {
        (self.startup * 11).div_ceil(10)
    }

    /// How long a rollout may make no progress. An old pod may have to end before a new one starts.
    pub(super) fn rollout(self) -> u64 {
        self.startup_window() + PULL + self.stop()
    }

    /// What a rollout may wait for.
    pub(super) fn explained_rollout(self) -> String {
        let (start, stop) = (self.startup_window(), self.stop());
        format!("a start {start} s + an image {PULL} s + the stop of an old pod {stop} s")
    }

    /// What a stop consists of.
    pub(super) fn explained_stop(self) -> String {
        let Self { grace, lame_duck, drain, .. } = self;
        format!("lame duck {lame_duck} s + drain timeout {drain} s + grace period {grace} s + {MARGIN} s")
    }
}

/// The time in seconds, rounded up.
fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}
