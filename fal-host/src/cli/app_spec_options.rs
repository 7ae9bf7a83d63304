//! The options of `fal-host` that describe its server: what an app declares in its code.

use std::num::NonZeroU32;
use std::time::Duration;

use clap::Args;
use fal_health::{HealthCheck, HealthCheckSpec};

use super::values::{self, HealthRoute};
use crate::AppSpec;

/// Options that fill an [`AppSpec`].
#[derive(Debug, Args)]
pub(super) struct AppSpecOptions {
    /// The name of the server in the log [default: the file name of the command]
    #[arg(long, value_name = "NAME", env = "FAL_NAME")]
    pub(super) name: Option<String>,

    /// The health check, as `METHOD:PATH`
    ///
    /// For example `GET:/health`. A runner is healthy if it answers with a status from 200 to 299. A path without a
    /// method is called with POST. Without this option, a runner is replaced only when its process ends.
    #[arg(long, value_name = "CHECK", env = "FAL_HEALTH")]
    pub(super) health: Option<HealthRoute>,

    /// The `host` header of a health check
    ///
    /// Some frameworks reject a request whose host they do not know, such as Django by `ALLOWED_HOSTS`.
    #[arg(long, value_name = "HOST", env = "FAL_HEALTH_HOST", default_value = "localhost")]
    pub(super) health_host: String,

    /// A further header of a health check, as `NAME: VALUE`
    ///
    /// May be given several times.
    #[arg(long, value_name = "HEADER", env = "FAL_HEALTH_HEADER", value_parser = values::header)]
    pub(super) health_header: Vec<(String, String)>,

    /// How long failed checks of a new runner are ignored
    ///
    /// Whole seconds with a unit, such as `30s` or `2m`. If `--startup-timeout` is longer, it is used instead.
    #[arg(long, value_name = "TIME", env = "FAL_START_PERIOD", default_value = "30s", value_parser = values::seconds)]
    pub(super) start_period: u32,

    /// The deadline for the response to a check
    ///
    /// Whole seconds with a unit, at least `1s`.
    #[arg(long, value_name = "TIME", env = "FAL_TIMEOUT", default_value = "5s", value_parser = values::nonzero_seconds)]
    pub(super) timeout: u32,

    /// How many checks in a row must fail before a runner is replaced
    #[arg(long, value_name = "COUNT", env = "FAL_FAILURE_THRESHOLD", default_value = "3", value_parser = values::count::<u32>)]
    pub(super) failure_threshold: u32,

    /// Check a runner only when one of its responses requests it
    ///
    /// A response requests a check with the header `x-fal-runner-health-check: true`. One failed check replaces the
    /// runner: `--start-period` and `--failure-threshold` have no effect. The environment variable takes `true` or
    /// `false`.
    #[arg(long, env = "FAL_MANUAL_ONLY", value_parser = values::boolean)]
    pub(super) manual_only: bool,

    /// How long a new runner may take until it listens [default: 10m]
    ///
    /// After that it is replaced. A time with a unit. If given, it also raises the start period; the default does
    /// not.
    #[arg(long, value_name = "TIME", env = "FAL_STARTUP_TIMEOUT", value_parser = values::nonzero_duration)]
    pub(super) startup_timeout: Option<Duration>,

    /// How long a runner may take to stop before it is killed
    ///
    /// Counted from SIGTERM. A time with a unit.
    #[arg(long, value_name = "TIME", env = "FAL_GRACE_PERIOD", default_value = "5s", value_parser = values::duration)]
    pub(super) grace_period: Duration,

    /// How many requests a runner serves at a time
    ///
    /// Further requests wait in the queue.
    #[arg(long, value_name = "COUNT", env = "FAL_MAX_MULTIPLEXING", default_value = "1", value_parser = values::count::<NonZeroU32>)]
    pub(super) max_multiplexing: NonZeroU32,

    /// How long a runner may take to begin its response to a request [default: no limit]
    ///
    /// After that the client gets 504 (`request_timeout`), and the runner is checked at once. A time with a unit.
    #[arg(long, value_name = "TIME", env = "FAL_REQUEST_TIMEOUT", value_parser = values::nonzero_duration)]
    pub(super) request_timeout: Option<Duration>,

    /// Send a request once more if its runner is lost before it answers
    ///
    /// Applies to the methods GET, HEAD, OPTIONS, PUT and DELETE, and to bodies of at most 64 KiB. The server may get such a
    /// request twice. The environment variable takes `true` or `false`.
    #[arg(long, env = "FAL_RETRY_IDEMPOTENT", value_parser = values::boolean)]
    pub(super) retry_idempotent: bool,
}

impl AppSpecOptions {
    /// The spec of a server; `program` is its name if no `--name` is given.
    pub(super) fn spec(&self, program: &str) -> AppSpec {
        let config = HealthCheck::new()
            .start_period_seconds(self.start_period)
            .timeout_seconds(self.timeout)
            .failure_threshold(self.failure_threshold)
            .call_regularly(!self.manual_only);
        let health_check = self.health.clone();
        let health_check =
            health_check.map(|HealthRoute { method, path }| HealthCheckSpec::new(method, path, config));
        let host = ("host".to_owned(), self.health_host.clone());
        AppSpec {
            name: self.name.as_deref().unwrap_or(program).to_owned(),
            health_check,
            health_headers: [host].into_iter().chain(self.health_header.iter().cloned()).collect(),
            startup_timeout: self.startup_timeout,
            termination_grace_period: self.grace_period,
            max_multiplexing: self.max_multiplexing,
            request_timeout: self.request_timeout,
            // Servers in other languages declare none.
            endpoints: Vec::new(),
            idempotent: Vec::new(),
            retry_idempotent: self.retry_idempotent,
            origins: Vec::new(),
        }
    }
}
