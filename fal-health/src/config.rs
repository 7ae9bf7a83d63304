//! The settings of a health check, and what else decides about its failures.

use std::borrow::Cow;
use std::time::Duration;

use crate::Time;

/// The settings of an app's health check ([S3](crate::semantics#s3)).
///
/// Every setter is a `const fn` that is named after its field. So a value out of range is a compile error in a const
/// context, and a panic elsewhere.
///
/// ```
/// use fal_health::HealthCheck;
///
/// const HEALTH: HealthCheck = HealthCheck::new().start_period_seconds(10).timeout_seconds(2);
/// assert_eq!(HEALTH.threshold(), 3);
/// ```
///
/// ```compile_fail
/// # use fal_health::HealthCheck;
/// const HEALTH: HealthCheck = HealthCheck::new().timeout_seconds(0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct HealthCheck {
    start_period_seconds: Option<u32>,
    timeout_seconds: Option<u32>,
    failure_threshold: Option<u32>,
    call_regularly: Option<bool>,
}

impl HealthCheck {
    /// The defaults: a start period of 30 s, a timeout of 5 s, a threshold of 3 failures, and periodic checks
    /// ([S3](crate::semantics#s3)).
    pub const fn new() -> Self {
        Self {
            start_period_seconds: None,
            timeout_seconds: None,
            failure_threshold: None,
            call_regularly: None,
        }
    }

    /// The same as [`new`](Self::new). `Default::default` is no `const fn`, and the value of an attribute is a constant.
    pub const fn default() -> Self {
        Self::new()
    }

    /// Sets the start period: failures of periodic checks do not count while a runner is younger than this. In seconds,
    /// from 0; default 30. A longer `startup_timeout` of the app replaces it ([`effective_start_period`]).
    pub const fn start_period_seconds(mut self, seconds: u32) -> Self {
        self.start_period_seconds = Some(seconds);
        self
    }

    /// Sets the deadline of one whole check, from connecting to the last byte of the response. In seconds, from 1;
    /// default 5.
    ///
    /// # Panics
    ///
    /// On 0; in a const context that is a compile error.
    #[track_caller]
    pub const fn timeout_seconds(mut self, seconds: u32) -> Self {
        assert!(
            seconds > 0,
            "timeout_seconds must be at least 1: a check with no time to answer always fails"
        );
        self.timeout_seconds = Some(seconds);
        self
    }

    /// Sets how many failures of periodic checks in a row make a runner unhealthy. From 1; default 3.
    ///
    /// # Panics
    ///
    /// On 0; in a const context that is a compile error.
    #[track_caller]
    pub const fn failure_threshold(mut self, failures: u32) -> Self {
        assert!(
            failures > 0,
            "failure_threshold must be at least 1: with 0 a runner would be unhealthy before its first check"
        );
        self.failure_threshold = Some(failures);
        self
    }

    /// Sets whether the host checks periodically; default `true`. With `false` it checks only when a response asks for
    /// it ([`HEALTH_CHECK`](crate::protocol::header::HEALTH_CHECK)). The threshold and the start period then have no
    /// effect, because manual checks ignore both ([S4](crate::semantics#s4), [S25](crate::semantics#s25)).
    pub const fn call_regularly(mut self, regularly: bool) -> Self {
        self.call_regularly = Some(regularly);
        self
    }

    /// The start period as declared.
    pub const fn start_period(&self) -> Duration {
        match self.start_period_seconds {
            Some(seconds) => Duration::from_secs(seconds as u64),
            None => Duration::from_secs(30),
        }
    }

    /// The deadline of one check.
    pub const fn timeout(&self) -> Duration {
        match self.timeout_seconds {
            Some(seconds) => Duration::from_secs(seconds as u64),
            None => Duration::from_secs(5),
        }
    }

    /// How many failures of periodic checks in a row make a runner unhealthy; at least 1.
    pub const fn threshold(&self) -> u32 {
        match self.failure_threshold {
            Some(failures) => failures,
            None => 3,
        }
    }

    /// Whether there are periodic checks.
    pub const fn is_periodic(&self) -> bool {
        match self.call_regularly {
            Some(regularly) => regularly,
            None => true,
        }
    }

    /// Whether the setting with this name was set, even if to its default.
    pub fn is_set(&self, name: &str) -> bool {
        match name {
            "start_period_seconds" => self.start_period_seconds.is_some(),
            "timeout_seconds" => self.timeout_seconds.is_some(),
            "failure_threshold" => self.failure_threshold.is_some(),
            "call_regularly" => self.call_regularly.is_some(),
            _ => false,
        }
    }
}

impl Default for HealthCheck {
    fn default() -> Self {
        Self::new()
    }
}

/// What a host has to know of an app's health check: where to call it, and its settings.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct HealthCheckSpec {
    /// The HTTP method of a check: `POST` for a declared endpoint ([S16](crate::semantics#s16)).
    pub method: Cow<'static, str>,
    /// The path of a check, with its leading `/`.
    pub path: Cow<'static, str>,
    /// The settings.
    pub config: HealthCheck,
}

impl HealthCheckSpec {
    /// A check with this method and path.
    pub fn new(
        method: impl Into<Cow<'static, str>>,
        path: impl Into<Cow<'static, str>>,
        config: HealthCheck,
    ) -> Self {
        Self { method: method.into(), path: path.into(), config }
    }

    /// A check by `POST` at `path`.
    pub fn post(path: impl Into<Cow<'static, str>>, config: HealthCheck) -> Self {
        Self::new("POST", path, config)
    }
}

/// What a [`Monitor`](crate::Monitor) has to know of its runner in addition to the settings of the check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lifespan {
    /// When the runner's process was started. Its age counts from here ([S7](crate::semantics#s7)).
    pub started: Time,
    /// The app's `startup_timeout`, if it declares one ([S8](crate::semantics#s8)).
    pub startup_timeout: Option<Duration>,
}

impl Lifespan {
    /// The lifespan of a runner whose process was started at this time.
    pub const fn new(started: Time, startup_timeout: Option<Duration>) -> Self {
        Self { started, startup_timeout }
    }
}

/// The effective start period: the declared one, or the app's `startup_timeout` if it declares one that is longer
/// ([S8](crate::semantics#s8)). A limit for start-up that the platform sets does not count.
pub const fn effective_start_period(config: &HealthCheck, startup_timeout: Option<Duration>) -> Duration {
    let declared = config.start_period();
    match startup_timeout {
        Some(timeout) if timeout.as_nanos() > declared.as_nanos() => timeout,
        _ => declared,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_the_originals_s3() {
        const CONFIG: HealthCheck = HealthCheck::default();
        let config = CONFIG;
        assert_eq!(config.start_period(), Duration::from_secs(30));
        assert_eq!(config.timeout(), Duration::from_secs(5));
        assert_eq!(config.threshold(), 3);
        assert!(config.is_periodic());
    }

    #[test]
    fn each_setter_sets_its_own_field_and_no_other_s3() {
        let config = HealthCheck::new()
            .start_period_seconds(1)
            .timeout_seconds(2)
            .failure_threshold(4)
            .call_regularly(false);
        assert_eq!(
            (config.start_period(), config.timeout()),
            (Duration::from_secs(1), Duration::from_secs(2))
        );
        assert_eq!((config.threshold(), config.is_periodic()), (4, false));
    }

    #[test]
    fn a_setting_is_set_even_if_to_its_default_s4() {
        let names =
            ["start_period_seconds", "timeout_seconds", "failure_threshold", "call_regularly", "other"];
        let set = |config: HealthCheck| names.map(|name| config.is_set(name));
        assert_eq!(set(HealthCheck::new()), [false; 5]);
        assert_eq!(set(HealthCheck::new().start_period_seconds(30)), [true, false, false, false, false]);
        assert_eq!(set(HealthCheck::new().timeout_seconds(5)), [false, true, false, false, false]);
        assert_eq!(set(HealthCheck::new().failure_threshold(3)), [false, false, true, false, false]);
        assert_eq!(set(HealthCheck::new().call_regularly(true)), [false, false, false, true, false]);
    }

    #[test]
    #[should_panic(expected = "timeout_seconds must be at least 1")]
    fn a_zero_timeout_is_refused_s2c() {
        let _ = HealthCheck::new().timeout_seconds(0);
    }

    #[test]
    #[should_panic(expected = "failure_threshold must be at least 1")]
    fn a_zero_threshold_is_refused_s2c() {
        let _ = HealthCheck::new().failure_threshold(0);
    }

    #[test]
    fn a_declared_startup_timeout_raises_the_start_period_and_never_lowers_it_s8() {
        let config = HealthCheck::new().start_period_seconds(30);
        let seconds = Duration::from_secs;
        assert_eq!(effective_start_period(&config, None), seconds(30));
        assert_eq!(effective_start_period(&config, Some(seconds(29))), seconds(30));
        assert_eq!(effective_start_period(&config, Some(seconds(120))), seconds(120));
    }
}
