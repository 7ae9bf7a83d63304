//! What every check of an app calls, and how a stalled runner is judged.

use fal_health::HealthCheckSpec;
use http::{Method, Uri};

/// What every check of an app calls.
#[derive(Debug)]
pub(crate) struct ProbeTarget {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) on_stall: OnStall,
}

/// The result of a check that passes while the runner's request runtime is stalled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnStall {
    /// A pass, and an event.
    #[default]
    Note,
    /// The failure `stalled`, and an event ([S18](fal_health::semantics#s18)).
    Fail,
}

#[derive(Debug, thiserror::Error)]
#[error(
    "invalid health check `{method} {path}`: expected an HTTP method and a path that begins with `/`; write, for \
     example, `POST /health`"
)]
pub(crate) struct InvalidProbeTarget {
    method: String,
    path: String,
}

impl ProbeTarget {
    pub(crate) fn new(spec: &HealthCheckSpec, on_stall: OnStall) -> Result<Self, InvalidProbeTarget> {
        let invalid = || InvalidProbeTarget { method: spec.method.to_string(), path: spec.path.to_string() };
        let method = Method::from_bytes(spec.method.as_bytes()).map_err(|_| invalid())?;
        let uri = spec.path.starts_with('/').then(|| spec.path.parse().ok()).flatten().ok_or_else(invalid)?;
        Ok(Self { method, uri, on_stall })
    }
}
