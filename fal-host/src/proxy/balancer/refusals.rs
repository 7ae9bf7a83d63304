//! What the log says about requests that are refused (S84).

use std::fmt;
use std::time::{Duration, SystemTime};

use fal_health::protocol::HostErrorType;
use tokio::time::Instant;

use super::Balancer;
use crate::amounts::duration;
use crate::metrics::OTHER;
use crate::proxy::error::ProxyError;
use crate::proxy::refusal_counts::{RecentRefusals, RefusalTotals};
use crate::proxy::refusal_log::{LimitReached, RefusalNotice, RefusedClient, describe};
use crate::proxy::wait_cause::WaitCause;

/// A request that holds a permit for so long may hang.
const HANGS_AFTER: Duration = Duration::from_secs(30);

/// What makes a queue shorter.
const MORE_AT_A_TIME: &str = "more `--runners` or a higher `max_multiplexing` serve more requests at a time";

impl Balancer {
    /// A client was refused something: it is counted, and the first time that a limit is reached is logged.
    pub(in crate::proxy) fn log_refusal(&self, limit: LimitReached, refused: RefusedClient<'_>) {
        let at = SystemTime::now();
        if self.refusal_counts.add(limit, at)
            && let LimitReached::Request(
                error @ (ProxyError::QueueFull { .. } | ProxyError::QueueTimeout { .. }),
            ) = limit
        {
            self.refusal_counts.explain(limit, self.cause_of(error), at);
        }
        if let Some(notice) = self.refusals.refused(limit, Instant::now()) {
            self.log_notice(notice, refused);
        }
    }

    /// Logs how many requests were refused in the last minute.
    pub(in crate::proxy) fn log_refusals(&self) {
        for notice in self.refusals.tick(Instant::now()) {
            self.log_notice(notice, RefusedClient::default());
        }
    }

    /// Whether refusals have not been logged yet.
    pub(in crate::proxy) fn has_untold_refusals(&self) -> bool {
        self.refusals.has_untold()
    }

    /// What was refused since the start of the host, by kind.
    pub(crate) fn refused(&self) -> RefusalTotals {
        self.refusal_counts.totals()
    }

    /// What was refused since then, by kind.
    pub(crate) fn refused_since(&self, before: &RefusalTotals) -> Vec<RecentRefusals> {
        self.refusal_counts.since(before)
    }

    fn log_notice(&self, RefusalNotice { limit, further }: RefusalNotice, refused: RefusedClient<'_>) {
        match limit {
            LimitReached::Request(error) => self.log_refused_requests(error, further, refused),
            LimitReached::SlowReader { after } => match further {
                None => warn_of_reader(
                    refused,
                    format_args!(
                        "a client has read too little of its response for {after:?} and was cut off; `--client-timeout` sets this time"
                    ),
                ),
                Some(further) => {
                    warn_of_further_readers(further, format_args!("that read too little for {after:?}"));
                }
            },
            LimitReached::SlowWhileOthersWait => match further {
                None => warn_of_reader(
                    refused,
                    format_args!(
                        "a client has read less than 8 KiB of its response a second while other requests waited, and was cut off; \
                         no option sets this limit"
                    ),
                ),
                Some(further) => warn_of_further_readers(further, format_args!("that read slowly")),
            },
            #[cfg(feature = "http2")]
            LimitReached::Frames => match further {
                None => tracing::warn!(
                    client = refused.client,
                    "a client of HTTP/2 has sent too many resets, pings, settings or other frames beside its requests and was cut \
                     off; no option sets this limit; further ones are counted, and their number is told once a minute"
                ),
                Some((count, time)) => {
                    let seconds = time.as_secs();
                    tracing::warn!(
                        "{count} more clients that sent too many frames of HTTP/2 were cut off in {seconds} s"
                    );
                }
            },
            LimitReached::Connections { max } => match further {
                None => tracing::warn!(
                    clients = max,
                    "the limit on client connections is reached, and further clients wait to be accepted: \
                     raise the limit on open files (`ulimit -n`) to serve more at a time"
                ),
                Some((count, time)) => {
                    let seconds = time.as_secs();
                    tracing::warn!(
                        clients = max,
                        "the limit on client connections was reached {count} more times in {seconds} s"
                    );
                }
            },
        }
    }

    fn log_refused_requests(
        &self,
        error: ProxyError,
        further: Option<(u64, Duration)>,
        refused: RefusedClient<'_>,
    ) {
        let (waiting, cause, error_type) = (self.waiting(), self.cause_of(error), error.error_type());
        match further {
            None => tracing::warn!(
                %error_type,
                waiting,
                %cause,
                client = refused.client,
                method = refused.method,
                path = refused.path,
                request_id = refused.request_id,
                runner = refused.runner.map(tracing::field::display),
                "a request is refused; further ones are counted, and their number is told once a minute"
            ),
            Some((count, time)) => {
                let seconds = time.as_secs();
                tracing::warn!(%error_type, waiting, %cause, "{count} more requests were refused in {seconds} s");
            }
        }
    }

    /// Why requests are refused with this error, and which option changes it.
    fn cause_of(&self, error: ProxyError) -> String {
        match error {
            ProxyError::QueueFull { cause: WaitCause::Busy, .. } => {
                format!(
                    "{}; {MORE_AT_A_TIME}, and `--queue` lets more of them wait",
                    self.who_holds_permits(HANGS_AFTER)
                )
            }
            ProxyError::QueueTimeout { cause: WaitCause::Busy, .. } => {
                format!(
                    "{}; {MORE_AT_A_TIME}, and `--queue-timeout` lets them wait longer",
                    self.who_holds_permits(HANGS_AFTER)
                )
            }
            ProxyError::QueueFull { cause, .. } | ProxyError::QueueTimeout { cause, .. } => {
                self.why_none_dispatched(cause)
            }
            ProxyError::HeadTooLarge { .. } => format!("{error} `--max-head-size` sets this limit."),
            ProxyError::ClientTimeout { .. } => format!("{error} `--client-timeout` sets this time."),
            _ => error.to_string(),
        }
    }

    /// Why requests wait for a permit, for people who look before one is refused (S116b).
    pub(crate) fn why_queued(&self) -> String {
        match self.wait_cause() {
            WaitCause::Busy => self.who_holds_permits(Duration::ZERO),
            cause => self.why_none_dispatched(cause),
        }
    }

    /// Why no request is dispatched, although no permit is held.
    fn why_none_dispatched(&self, cause: WaitCause) -> String {
        let (paused, awaited) = {
            let state = self.lock();
            (state.permits.paused_since(), state.awaited)
        };
        match (cause, paused, awaited) {
            (WaitCause::Paused, Some(since), _) => {
                let time = duration(since.elapsed());
                format!("an operator has paused the host, {time} ago: `resume` lets requests go on")
            }
            (WaitCause::Paused, None, _) => "an operator had paused the host".to_owned(),
            (_, _, Some(awaited)) => format!("no runner takes requests: {awaited}"),
            _ => "no runner took requests".to_owned(),
        }
    }

    /// Which requests hold the permits. Requests that hold one for longer than `hangs_after` may hang.
    fn who_holds_permits(&self, hangs_after: Duration) -> String {
        let now = Instant::now();
        let (runners, held) = {
            let permits = &self.lock().permits;
            let held: Vec<_> = permits.routes().flat_map(|runner| runner.holders()).collect();
            (permits.routes().count(), held)
        };
        let permits =
            usize::try_from(self.limits.max_multiplexing).unwrap_or(usize::MAX).saturating_mul(runners);
        let longest =
            held.iter().map(|holder| now.saturating_duration_since(holder.since)).max().unwrap_or_default();
        let names = held.iter().map(|holder| match self.metrics.endpoint_name(holder.endpoint) {
            // What the app does not declare has no name. A server in another language declares nothing.
            OTHER => holder.path(),
            endpoint => endpoint,
        });
        let cause = describe(permits, names, longest);
        let hanging = held.iter().filter(|holder| holder.may_hang());
        let hangs = hanging.map(|holder| now.saturating_duration_since(holder.since)).max();
        if hangs.is_none_or(|time| time < hangs_after) || self.limits.overdue().is_some() {
            return cause;
        }
        format!(
            "{cause}; if they hang, `request_timeout` ends them, and `--wedged-after` replaces their runner"
        )
    }

    /// As if a client had sent a bad target.
    #[cfg(test)]
    pub(crate) fn refuse_one(&self) {
        self.log_refusal(LimitReached::Request(ProxyError::BadTarget), RefusedClient::default());
    }
}

/// Warns of the first client in a minute that was cut off because it read too little of its response.
fn warn_of_reader(refused: RefusedClient<'_>, what: fmt::Arguments<'_>) {
    tracing::warn!(
        error_type = %HostErrorType::ClientTimeout,
        client = refused.client,
        method = refused.method,
        path = refused.path,
        request_id = refused.request_id,
        runner = refused.runner.map(tracing::field::display),
        "{what}; further ones are counted, and their number is told once a minute"
    );
}

fn warn_of_further_readers((count, time): (u64, Duration), which: fmt::Arguments<'_>) {
    let seconds = time.as_secs();
    tracing::warn!(
        error_type = %HostErrorType::ClientTimeout,
        "{count} more clients {which} were cut off in {seconds} s"
    );
}
