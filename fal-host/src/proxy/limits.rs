//! The limits and settings of the data plane.

use std::sync::Arc;
use std::time::Duration;

use super::forwarded::AddressRange;
use super::health_path::HealthPath;
use super::on_overdue::OnOverdue;
use super::origins::Origins;
use super::request_trace::RequestTracer;
use super::retries::Retries;
use super::tls::Tls;

/// The default of `client_timeout`.
pub(crate) const CLIENT_TIMEOUT: Duration = Duration::from_secs(60);

/// The default of `max_head`.
pub(crate) const MAX_HEAD: usize = 32 * 1024;

/// The limits and settings of the data plane.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// How many clients may be connected. At the limit the client that has been idle for longest is closed. Further clients
    /// wait to be accepted until one leaves.
    pub(crate) clients: usize,
    /// How large the head of a request may be, in bytes.
    pub(crate) max_head: usize,
    /// How many requests may wait for a permit.
    pub(crate) queue: usize,
    /// How long a request may wait from its arrival until it is sent to a runner.
    pub(crate) queue_timeout: Duration,
    /// How long a runner may take from when a request is sent until the head of its response. `None`: no limit.
    pub(crate) request_timeout: Option<Duration>,
    /// Without a `request_timeout`: how long a runner may take until the head of a response before the request counts as
    /// overdue (S53a). `None`: any time.
    pub(crate) wedged_after: Option<Duration>,
    /// How long a client may send or take less than it must while the host waits for it (S43a).
    pub(crate) client_timeout: Duration,
    /// How long a connection without a request stays open when the host stops (S66c).
    pub(crate) linger: Duration,
    /// How many requests a runner serves at a time: its permits. At least 1 (S38).
    pub(crate) max_multiplexing: u32,
    pub(crate) manual_checks: ManualChecks,
    /// The proxies whose forwarding fields are kept and appended to.
    pub(crate) trusted_proxies: Vec<AddressRange>,
    /// The certificate, if clients speak TLS.
    pub(crate) tls: Option<Arc<Tls>>,
    /// The requests that are sent once more if they are lost.
    pub(crate) retries: Retries,
    /// The paths that the app declares, by which requests are counted.
    pub(crate) endpoints: Vec<String>,
    /// Whether each request gets a line in the access log (S83b).
    pub(crate) access_log: bool,
    /// Whether responses tell how long their requests took (S83e).
    pub(crate) server_timing: bool,
    /// Makes the spans of requests (S112a).
    pub(crate) tracer: RequestTracer,
    /// The web pages that may call the app.
    pub(crate) origins: Origins,
}

impl Limits {
    /// Limits for a test that they do not matter to.
    #[cfg(test)]
    pub(crate) fn plain() -> Self {
        Self {
            clients: 1,
            max_head: 32 * 1024,
            queue: 1,
            queue_timeout: Duration::from_secs(1),
            request_timeout: None,
            linger: Duration::ZERO,
            wedged_after: None,
            client_timeout: Duration::from_secs(60),
            max_multiplexing: 1,
            manual_checks: ManualChecks::Ignored,
            trusted_proxies: Vec::new(),
            tls: None,
            retries: Retries::default(),
            endpoints: Vec::new(),
            access_log: false,
            server_timing: false,
            tracer: RequestTracer::default(),
            origins: Origins::default(),
        }
    }

    /// After which time without the beginning of a response a request is overdue (S53a), and what happens to it then.
    /// `None`: it may take any time.
    pub(super) fn overdue(&self) -> Option<(Duration, OnOverdue)> {
        let at_request_timeout = self.request_timeout.map(|timeout| (timeout, OnOverdue::End));
        at_request_timeout.or(self.wedged_after.map(|time| (time, OnOverdue::Wait)))
    }
}

/// What happens when a response asks for a manual check.
#[derive(Clone, Debug)]
pub(crate) enum ManualChecks {
    /// Its runner is checked. Responses of the health endpoint itself cannot ask (S28).
    Made {
        /// The health endpoint's path.
        health_path: HealthPath,
    },
    /// The app declares no health endpoint: the request is ignored, with one warning a runner (S32).
    Ignored,
}
