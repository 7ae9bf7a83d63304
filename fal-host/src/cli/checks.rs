use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use fal_health::{HealthCheckSpec, effective_start_period};

/// What a host does about an app's health: its effective settings, and where the start period comes from (S8).
pub(super) struct Checks<'a> {
    pub(super) spec: Option<&'a HealthCheckSpec>,
    pub(super) startup_timeout: Option<Duration>,
    pub(super) interval: Duration,
}

impl Display for Checks<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Some(HealthCheckSpec { method, path, config }) = self.spec else {
            return writeln!(f, "  none is declared: runners are replaced only when they end");
        };
        let timeout = humantime::format_duration(config.timeout());
        if !config.is_periodic() {
            writeln!(
                f,
                "  {method} {path} only when a response asks for it, to be answered within {timeout}"
            )?;
            return writeln!(f, "  a runner is replaced when it fails");
        }
        let interval = humantime::format_duration(self.interval);
        writeln!(f, "  {method} {path} every {interval}, to be answered within {timeout}")?;
        match config.threshold() {
            1 => writeln!(f, "  a runner is replaced after 1 failure")?,
            failures => writeln!(f, "  a runner is replaced after {failures} failures in a row")?,
        }
        let effective = effective_start_period(config, self.startup_timeout);
        let (from, shown) = (self.source_of(effective), humantime::format_duration(effective));
        writeln!(f, "  effective start period {shown} ({from}); failures of a younger runner are ignored")
    }
}

impl Checks<'_> {
    fn source_of(&self, effective: Duration) -> String {
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

    fn checks(config: HealthCheck, startup_timeout: Option<u64>) -> String {
        let spec = HealthCheckSpec::post("/health", config);
        let startup_timeout = startup_timeout.map(Duration::from_secs);
        Checks { spec: Some(&spec), startup_timeout, interval: Duration::from_secs(15) }.to_string()
    }

    #[test]
    fn the_effective_start_period_is_said_and_why_s8() {
        let config = HealthCheck::new().start_period_seconds(10);
        let declared = checks(config, None);
        assert!(declared.contains("effective start period 10s (start_period_seconds);"), "{declared}");
        let raised = checks(config, Some(120));
        let why = "effective start period 2m (startup_timeout, longer than start_period_seconds = 10s);";
        assert!(raised.contains(why), "{raised}");
    }

    #[test]
    fn a_check_on_request_has_neither_interval_nor_threshold_nor_start_period_s4() {
        let said = checks(HealthCheck::new().call_regularly(false), Some(120));
        assert!(said.contains("only when a response asks"), "{said}");
        assert!(
            !said.contains("every") && !said.contains("in a row") && !said.contains("start period"),
            "{said}"
        );
    }
}
