//! The probes of a pod, computed from the app's declaration.

use fal_health::{HealthCheckSpec, effective_start_period};

use crate::app::Declaration;
use crate::cli::deploy::times::Times;

/// The time between two probes of a start, in seconds.
const STARTUP_PERIOD: u64 = 2;

/// The time between two checks of a bare runner, in seconds, as a host has it (S12a).
const CHECK_PERIOD: u64 = 15;

/// What a pod runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A host and its runners.
    Host,
    /// One runner without a host.
    Bare,
}

/// A probe of Kubernetes. Times are in seconds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PodProbe {
    pub(super) path: String,
    pub(super) initial_delay: u64,
    pub(super) period: u64,
    pub(super) timeout: u64,
    pub(super) threshold: u64,
    /// Why it is as it is, a line each.
    pub(super) reasons: Vec<String>,
}

/// The liveness probe of a pod.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Liveness {
    /// The host answers, whatever the health of the app.
    Host(PodProbe),
    /// The app's health check.
    Check(PodProbe),
    /// There is none, for this reason.
    None(&'static str),
}

/// Whether a pod has started. Until then, Kubernetes makes no other probe.
pub(super) fn startup(times: Times) -> PodProbe {
    let threshold = times.startup_window().div_ceil(STARTUP_PERIOD);
    PodProbe {
        path: "/readyz".to_owned(),
        initial_delay: 0,
        period: STARTUP_PERIOD,
        timeout: 2,
        threshold,
        reasons: vec![
            format!(
                "startup_timeout of the app {} s, and a tenth more: {threshold} probes of {STARTUP_PERIOD} s.",
                times.startup
            ),
            "A thread of its own answers probes, so that 2 s are enough for an answer when the app is busy."
                .to_owned(),
        ],
    }
}

/// Whether a pod takes requests.
pub(super) fn readiness(form: Form) -> PodProbe {
    let mut reasons = vec!["3 failures are 6 s: then Services send this pod no requests.".to_owned()];
    if form == Form::Host {
        reasons.push("Until then the queue of the host bridges the replacement of a runner.".to_owned());
    }
    PodProbe { path: "/readyz".to_owned(), initial_delay: 0, period: 2, timeout: 2, threshold: 3, reasons }
}

/// Whether the container has to be restarted.
pub(super) fn liveness(app: &Declaration, form: Form) -> Liveness {
    if form == Form::Host {
        return Liveness::Host(PodProbe {
            path: "/healthz".to_owned(),
            initial_delay: 0,
            period: 10,
            timeout: 5,
            threshold: 3,
            reasons: vec![
                "This asks only whether the host answers. Do not ask the app's health check here: the host replaces".to_owned(),
                "single runners, and Kubernetes would restart all of them.".to_owned(),
                "3 failures, each after 5 s without an answer, are half a minute: the host hangs. Then the container is restarted.".to_owned(),
            ],
        });
    }
    let Some(HealthCheckSpec { path, config, .. }) = app.health_check() else {
        return Liveness::None("the app declares no health check");
    };
    if !config.is_periodic() {
        return Liveness::None("the app is checked only on request, by `--on-manual-failure`");
    }
    Liveness::Check(PodProbe {
        path: path.into_owned(),
        initial_delay: effective_start_period(&config, app.settings.startup_timeout()).as_secs(),
        period: CHECK_PERIOD,
        timeout: config.timeout().as_secs(),
        threshold: config.threshold().into(),
        reasons: vec![
            "The app's health check with its own start_period_seconds, timeout_seconds and failure_threshold, as often".to_owned(),
            "as a host makes it. Kubernetes does not limit how many pods restart together.".to_owned(),
        ],
    })
}
