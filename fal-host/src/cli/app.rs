use std::num::NonZeroU32;
use std::time::Duration;

use clap::Args;
use fal_health::{HealthCheck, HealthCheckSpec};

use super::values::{self, Call};
use crate::AppSpec;

/// What an app of ours declares of itself, and another program cannot.
#[derive(Debug, Args)]
pub(super) struct AppOptions {
    /// What the log calls it; the file name of the command where this is not given
    #[arg(long, value_name = "NAME", env = "FAL_NAME")]
    pub(super) name: Option<String>,

    /// How to check a runner: `METHOD:PATH`
    ///
    /// Such as `GET:/health`. A runner is healthy when that is answered with 200 to 299. A path alone is called by POST. Without it a runner is
    /// replaced only when it ends.
    #[arg(long, value_name = "CALL", env = "FAL_HEALTH")]
    pub(super) health: Option<Call>,

    /// How long after its start a runner's failed checks are ignored
    ///
    /// In whole seconds, such as `30s` or `2m`. A longer `--startup-timeout` takes its place.
    #[arg(long, value_name = "TIME", env = "FAL_START_PERIOD", default_value = "30s", value_parser = values::seconds)]
    pub(super) start_period: u32,

    /// How long a check may take until it is answered
    ///
    /// In whole seconds, from `1s`.
    #[arg(long, value_name = "TIME", env = "FAL_TIMEOUT", default_value = "5s", value_parser = values::some_seconds)]
    pub(super) timeout: u32,

    /// How many checks in a row have to fail until a runner is replaced
    #[arg(long, value_name = "COUNT", env = "FAL_FAILURE_THRESHOLD", default_value = "3", value_parser = values::count::<u32>)]
    pub(super) failure_threshold: u32,

    /// Check a runner only when a response asks for it
    ///
    /// By the header `x-fal-runner-health-check: true`. Such a check counts at once: `--start-period` and
    /// `--failure-threshold` mean nothing then. As a variable it is `true` or `false`.
    #[arg(long, env = "FAL_MANUAL_ONLY", value_parser = values::switch)]
    pub(super) manual_only: bool,

    /// How long a runner may take until it listens
    ///
    /// Then it is replaced. A time with its unit; 10 minutes where this is not given, which do not change the start
    /// period.
    #[arg(long, value_name = "TIME", env = "FAL_STARTUP_TIMEOUT", value_parser = values::some_duration)]
    pub(super) startup_timeout: Option<Duration>,

    /// How long a runner that is told to stop may take until it is killed
    ///
    /// A time with its unit.
    #[arg(long, value_name = "TIME", env = "FAL_GRACE_PERIOD", default_value = "5s", value_parser = values::duration)]
    pub(super) grace_period: Duration,

    /// How many requests a runner serves at a time; further ones wait
    #[arg(long, value_name = "COUNT", env = "FAL_MAX_MULTIPLEXING", default_value = "1", value_parser = values::count::<NonZeroU32>)]
    pub(super) max_multiplexing: NonZeroU32,

    /// How long a request may take until its runner begins to answer
    ///
    /// Then it is answered 504 (`request_timeout`), and its runner is checked at once. A time with its unit; as long as
    /// it likes where this is not given.
    #[arg(long, value_name = "TIME", env = "FAL_REQUEST_TIMEOUT", value_parser = values::some_duration)]
    pub(super) request_timeout: Option<Duration>,
}

impl AppOptions {
    /// What the host has to know of a program of this name.
    pub(super) fn spec(&self, program: &str) -> AppSpec {
        let config = HealthCheck::new()
            .start_period_seconds(self.start_period)
            .timeout_seconds(self.timeout)
            .failure_threshold(self.failure_threshold)
            .call_regularly(!self.manual_only);
        let health_check = self.health.clone().map(|Call { method, path }| HealthCheckSpec {
            method: method.into(),
            path: path.into(),
            config,
        });
        AppSpec {
            name: self.name.as_deref().unwrap_or(program).to_owned(),
            health_check,
            startup_timeout: self.startup_timeout,
            termination_grace_period: self.grace_period,
            max_multiplexing: self.max_multiplexing,
            request_timeout: self.request_timeout,
            origins: Vec::new(),
        }
    }
}
