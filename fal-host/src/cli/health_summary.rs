//! The lines of the banner that say how runners are checked.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use fal_health::{HealthCheckSpec, effective_start_period};

/// A summary of the effective settings of the health check, with the origin of the start period (S8).
pub(super) struct HealthSummary<'a> {
    pub(super) spec: Option<&'a HealthCheckSpec>,
    pub(super) startup_timeout: Option<Duration>,
    pub(super) interval: Duration,
}

impl Display for HealthSummary<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Some(HealthCheckSpec { method, path, config, .. }) = self.spec else {
            return writeln!(f, "  none declared: a runner is replaced only when its process ends");
        };
        let timeout = humantime::format_duration(config.timeout());
        if !config.is_periodic() {
            writeln!(
                f,
                "  {method} {path} only when a response requests it; the deadline of a check is {timeout}"
            )?;
            return writeln!(f, "  one failed check replaces the runner");
        }
        let interval = humantime::format_duration(self.interval);
        writeln!(f, "  {method} {path} every {interval}; the deadline of a check is {timeout}")?;
        match config.threshold() {
            1 => writeln!(f, "  a runner is replaced after 1 failed check")?,
            failures => writeln!(f, "  a runner is replaced after {failures} failed checks in a row")?,
        }
        let effective = effective_start_period(config, self.startup_timeout);
        let (from, shown) = (self.origin(effective), humantime::format_duration(effective));
        writeln!(
            f,
            "  effective start period {shown} ({from}): failed checks of a younger runner are ignored"
        )
    }
}

impl HealthSummary<'_> {
    /// Which setting the effective start period comes from.
    fn origin(&self, effective: Duration) -> String {
        let declared = self.spec.map(|spec| spec.config.start_period()).unwrap_or_default();
        if effective > declared {
            let declared = humantime::format_duration(declared);
            format!("startup_timeout, longer than start_period_seconds = {declared}")
        } else {
            "start_period_seconds".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use fal_health::HealthCheck;

    use super::*;

    fn summary(config: HealthCheck, startup_timeout: Option<u64>) -> String {
        let spec = HealthCheckSpec::post("/health", config);
        let startup_timeout = startup_timeout.map(Duration::from_secs);
        HealthSummary { spec: Some(&spec), startup_timeout, interval: Duration::from_secs(15) }.to_string()
    }

    #[test]
    fn the_effective_start_period_is_shown_with_its_origin_s8() {
        let config = HealthCheck::new().start_period_seconds(10);
        let declared = summary(config, None);
        assert!(declared.contains("effective start period 10s (start_period_seconds):"), "{declared}");
        let raised = summary(config, Some(120));
        let why = "effective start period 2m (startup_timeout, longer than start_period_seconds = 10s):";
        assert!(raised.contains(why), "{raised}");
    }

    #[test]
    fn a_check_on_request_has_neither_interval_nor_threshold_nor_start_period_s4() {
        let said = summary(HealthCheck::new().call_regularly(false), Some(120));
        assert!(said.contains("only when a response requests it"), "{said}");
        assert!(
            !said.contains("every") && !said.contains("in a row") && !said.contains("start period"),
            "{said}"
        );
    }
}
