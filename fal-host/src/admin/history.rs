//! The last ten minutes of requests, for the plots of the page (S89c).

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use serde::Serialize;
use tokio::time::{MissedTickBehavior, interval};

use crate::json::unix_time;
use crate::latency::LatencyTotal;
use crate::proxy::{Balancer, RecentRefusals, RefusalTotals};

/// How often a sample is taken.
const INTERVAL: Duration = Duration::from_secs(5);

/// How many samples are kept.
const KEPT: usize = 120;

/// The last samples, oldest first.
#[derive(Clone, Debug)]
pub(crate) struct History {
    balancer: Arc<Balancer>,
    samples: Arc<Mutex<VecDeque<Sample>>>,
}

/// What was going on at one moment.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Sample {
    #[serde(serialize_with = "unix_time")]
    at: SystemTime,
    queued: usize,
    in_flight: usize,
    /// Of all requests until then.
    latency: LatencyTotal,
    #[serde(skip)]
    refused: RefusalTotals,
}

impl History {
    pub(super) fn new(balancer: Arc<Balancer>) -> Self {
        Self { balancer, samples: Arc::default() }
    }

    /// Takes samples until the future is dropped.
    pub(crate) async fn record(self) {
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let sample = Sample {
                at: SystemTime::now(),
                queued: self.balancer.waiting(),
                in_flight: self.balancer.all_in_flight(),
                latency: self.balancer.metrics().latency(),
                refused: self.balancer.refused(),
            };
            let mut samples = self.lock();
            if samples.len() == KEPT {
                samples.pop_front();
            }
            samples.push_back(sample);
        }
    }

    /// The samples of the last ten minutes.
    pub(super) fn all(&self) -> VecDeque<Sample> {
        self.lock().clone()
    }

    /// What the host has refused in the last ten minutes (S84c).
    pub(super) fn refused(&self) -> Vec<RecentRefusals> {
        let before = {
            let samples = self.lock();
            // Until there are ten minutes of them, all since the start of the host are of this time.
            samples.front().filter(|_| samples.len() == KEPT).map(|oldest| oldest.refused)
        };
        self.balancer.refused_since(&before.unwrap_or_default())
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Sample>> {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;
    use crate::proxy::{Limits, Reports};

    #[tokio::test(start_paused = true)]
    async fn refusals_of_more_than_ten_minutes_ago_are_not_shown_s84c() {
        let reports = Reports { asked: Arc::default(), events: mpsc::unbounded_channel().0 };
        let balancer = Balancer::new(Limits::plain(), reports);
        let history = History::new(Arc::clone(&balancer));
        let shown = async |time| {
            let _ = tokio::time::timeout(time, history.clone().record()).await;
            history.refused().len()
        };
        balancer.refuse_one();
        assert_eq!(shown(Duration::from_secs(590)).await, 1);
        assert_eq!(shown(Duration::from_secs(20)).await, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn ten_minutes_are_kept_s89c() {
        let reports = Reports { asked: Arc::default(), events: mpsc::unbounded_channel().0 };
        let history = History::new(Balancer::new(Limits::plain(), reports));
        let kept = async |time| {
            let _ = tokio::time::timeout(time, history.clone().record()).await;
            history.all().len()
        };
        assert_eq!(kept(Duration::from_secs(12)).await, 3);
        assert_eq!(kept(Duration::from_secs(3_600)).await, KEPT);
        assert_eq!(INTERVAL * u32::try_from(KEPT).unwrap(), Duration::from_secs(600));
    }
}
