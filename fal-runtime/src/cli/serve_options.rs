//! The options of `serve`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use fal_health::protocol::ListenAddress;

use super::app_option::AppOption;
use super::docs_option::DocsOption;
use super::values;
use crate::runner::{CheckHeader, FleetSettings};

#[derive(Debug, Args)]
pub(super) struct ServeOptions {
    #[command(flatten)]
    pub(super) app: AppOption,

    /// The address to listen on: `tcp:HOST:PORT` or `unix:PATH`
    ///
    /// With port 0 the system picks a port, which is printed.
    #[arg(long, value_name = "ADDRESS", env = "FAL_LISTEN", default_value = "tcp:127.0.0.1:8081", value_parser = values::listen_address)]
    pub(super) listen: ListenAddress,

    /// The address of the probes of an orchestrator or a load balancer
    ///
    /// `GET /livez` and `GET /healthz` check the process. `GET /readyz` returns 200 while it takes requests. The path of
    /// the health check is called there, too. A thread of its own answers, so that busy requests delay no probe.
    #[arg(long, value_name = "ADDRESS", env = "FAL_PROBES", value_parser = values::address)]
    pub(super) probes: Option<SocketAddr>,

    /// The address where `GET /metrics` shows the metrics of the app, for Prometheus
    ///
    /// A thread of its own answers. With a host, its admin interface shows them.
    #[cfg(feature = "metrics")]
    #[arg(long, value_name = "ADDRESS", env = "FAL_METRICS", value_parser = values::address)]
    pub(super) metrics: Option<SocketAddr>,

    #[command(flatten)]
    pub(super) docs: DocsOption,

    /// How long to accept and serve new connections after the signal to stop
    ///
    /// In this time `/readyz` returns 503 and each response closes its connection, so that load balancers and clients move
    /// to other instances. A second signal ends this time. A time with a unit.
    #[arg(long, value_name = "TIME", env = "FAL_LAME_DUCK", default_value = "0s", value_parser = values::duration)]
    pub(super) lame_duck: Duration,

    /// How long requests in flight may take before the grace period begins
    ///
    /// A second signal ends this time. A time with a unit.
    #[arg(long, value_name = "TIME", env = "FAL_DRAIN_TIMEOUT", default_value = "0s", value_parser = values::duration)]
    pub(super) drain_timeout: Duration,

    /// How long the rest of the stop may take [default: the app's `termination_grace_period`]
    ///
    /// Requests that are left, `handle_exit` and `teardown` share it. A time with a unit.
    #[arg(long, value_name = "TIME", env = "FAL_GRACE", value_parser = values::duration)]
    pub(super) grace: Option<Duration>,

    /// Remove the header `x-fal-runner-health-check` from responses [default: only with `--on-manual-failure`]
    ///
    /// Clients must not see it if no platform in front acts on it. It is removed from requests, too.
    #[arg(long, value_name = "BOOLEAN", env = "FAL_STRIP_CHECK_HEADER", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = values::boolean)]
    pub(super) strip_check_header: Option<bool>,

    /// What to do after a response that asks for a health check
    ///
    /// `exit`: the runner checks itself. If the check fails, it stops like at SIGTERM and exits with 6. `ignore`: nothing.
    #[arg(long, value_name = "WHAT", env = "FAL_ON_MANUAL_FAILURE")]
    pub(super) on_manual_failure: Option<OnManualFailure>,
}

/// What a runner without a host does after a response that asks for a health check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum OnManualFailure {
    Exit,
    Ignore,
}

impl ServeOptions {
    pub(super) fn fleet(&self) -> FleetSettings {
        let strips = self.strip_check_header.unwrap_or(self.on_manual_failure.is_some());
        let check_header = match self.on_manual_failure {
            Some(OnManualFailure::Exit) => CheckHeader::ActedOn(Arc::default()),
            _ if strips => CheckHeader::Stripped,
            _ => CheckHeader::Kept,
        };
        FleetSettings {
            lame_duck: self.lame_duck,
            drain_timeout: self.drain_timeout,
            probes: self.probes.map(ListenAddress::from),
            #[cfg(feature = "metrics")]
            metrics: self.metrics.map(ListenAddress::from),
            check_header,
        }
    }
}
