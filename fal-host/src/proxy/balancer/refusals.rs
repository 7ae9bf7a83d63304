//! What the log says about requests that are refused (S84).

use fal_health::protocol::HostErrorType;
use tokio::time::Instant;

use super::Balancer;
use crate::proxy::refusal_log::{RefusalNotice, describe};

impl Balancer {
    /// A request was answered with this error: the first refusal is logged.
    pub(in crate::proxy) fn log_refusal(&self, error_type: HostErrorType) {
        if let Some(notice) = self.refusals.refused(error_type, Instant::now()) {
            self.log_notice(notice);
        }
    }

    /// Logs how many requests were refused in the last minute.
    pub(in crate::proxy) fn log_refusals(&self) {
        for notice in self.refusals.tick(Instant::now()) {
            self.log_notice(notice);
        }
    }

    /// Whether refusals have not been logged yet.
    pub(in crate::proxy) fn has_untold_refusals(&self) -> bool {
        self.refusals.has_untold()
    }

    fn log_notice(&self, RefusalNotice { error_type, further }: RefusalNotice) {
        let (waiting, cause) = (self.waiting(), self.cause_of_refusals());
        match further {
            None => tracing::warn!(
                %error_type,
                waiting,
                %cause,
                "a request is refused; further ones are counted, and their number is told once a minute"
            ),
            Some((count, time)) => {
                let seconds = time.as_secs();
                tracing::warn!(%error_type, waiting, %cause, "{count} more requests were refused in {seconds} s");
            }
        }
    }

    fn cause_of_refusals(&self) -> String {
        let now = Instant::now();
        let (runners, held) = {
            let permits = &self.lock().permits;
            let held: Vec<_> = permits.routes().flat_map(|runner| runner.holders.all()).collect();
            (permits.routes().count(), held)
        };
        let permits =
            usize::try_from(self.limits.max_multiplexing).unwrap_or(usize::MAX).saturating_mul(runners);
        let held = held.iter().map(|holder| {
            (self.metrics.endpoint_name(holder.endpoint), now.saturating_duration_since(holder.since))
        });
        describe(permits, held)
    }
}
