//! What the explanation of a runner needs to know beside the runner.

use std::time::{Duration, SystemTime};

use crate::fleet::{Fleet, Reason, RunnerRecord};
use crate::id::RunnerId;

/// The settings and the state of the host that an explanation names.
#[derive(Clone, Debug)]
pub(crate) struct Circumstances {
    pub(crate) now: SystemTime,
    pub(crate) has_periodic_checks: bool,
    /// What checks call.
    pub(crate) health_path: Option<String>,
    pub(crate) check_interval: Duration,
    pub(crate) start_check_interval: Duration,
    pub(crate) startup_limit: Duration,
    pub(crate) drain_timeout: Duration,
    pub(crate) grace_period: Duration,
    /// How many replacements are under way, and how many may be.
    pub(crate) replacing: usize,
    pub(crate) max_replacing: Option<usize>,
    /// The last runner of each replica that ended, by the index of the replica.
    pub(crate) last_ended: Vec<LastEnded>,
}

/// How the last runner of a replica ended.
#[derive(Clone, Debug)]
pub(crate) struct LastEnded {
    pub(crate) index: usize,
    pub(crate) id: RunnerId,
    pub(crate) reason: Reason,
    pub(crate) detail: Option<String>,
}

impl Circumstances {
    pub(crate) fn of(fleet: &Fleet, health_path: Option<&str>, now: SystemTime) -> Self {
        let settings = fleet.settings();
        let mut last_ended: Vec<LastEnded> = Vec::new();
        for record in fleet.records() {
            let RunnerRecord { index, id, reason, detail, .. } = record.as_ref();
            last_ended.retain(|earlier| earlier.index != *index);
            last_ended.push(LastEnded { index: *index, id: *id, reason: *reason, detail: detail.clone() });
        }
        Self {
            now,
            has_periodic_checks: settings.has_periodic_checks(),
            health_path: health_path.map(Into::into),
            check_interval: settings.check_interval,
            start_check_interval: settings.start_check_interval,
            startup_limit: settings.startup_limit(),
            drain_timeout: settings.drain_timeout,
            grace_period: settings.grace_period,
            replacing: fleet.vacated(),
            max_replacing: settings.max_replacing.of(settings.runners).map(Into::into),
            last_ended,
        }
    }

    /// How the last runner of a replica ended.
    pub(crate) fn last_ended_of(&self, index: usize) -> Option<&LastEnded> {
        self.last_ended.iter().find(|ended| ended.index == index)
    }
}

#[cfg(test)]
impl Default for Circumstances {
    fn default() -> Self {
        Self {
            now: SystemTime::UNIX_EPOCH + Duration::from_secs(1_000),
            has_periodic_checks: true,
            health_path: Some("/health".to_owned()),
            check_interval: Duration::from_secs(15),
            start_check_interval: Duration::from_secs(1),
            startup_limit: Duration::from_secs(600),
            drain_timeout: Duration::from_secs(30),
            grace_period: Duration::from_secs(5),
            replacing: 1,
            max_replacing: Some(1),
            last_ended: Vec::new(),
        }
    }
}
