//! Keeps runner processes alive and healthy, and sends them requests.
//!
//! A [`Host`] starts runners, calls their health check, replaces those that fail it or end, and forwards requests to
//! the others. A pure core decides, and a thin shell executes its commands. Numbers such as
//! [S23](fal_health::semantics#s23) name rules, which [`fal_health::semantics`] lists.
//!
//! A host knows nothing of how an app is declared: what it needs to know is in [`AppSpec`].

#[cfg(not(unix))]
compile_error!(
    "fal-host needs a Unix system: it uses process groups, signals and Unix sockets; elsewhere, use fal-runtime with \
     `default-features = false` and serve its `router` with a server of your own"
);

mod admin;
mod amounts;
mod causes;
mod check_info;
mod check_requester;
mod circumstances;
#[cfg(feature = "cli")]
pub mod cli;
mod client_policy;
mod clock;
mod connect;
mod control_socket;
mod details;
mod driver;
mod ended_info;
mod event_json;
mod event_log;
mod events;
mod evidence;
mod explain;
mod fleet;
mod host;
mod id;
mod json;
mod lag;
mod latency;
mod launch;
mod log_loss;
mod memory;
mod metrics;
mod note;
mod notes;
mod open_files;
mod own_runtime;
mod probe;
mod proxy;
mod recent_losses;
mod request_info;
#[cfg(any(test, feature = "cli"))]
mod serving_threads;
mod shared_cause;
mod snapshot;
#[cfg(test)]
mod snapshot_examples;
mod snapshot_parts;
mod span_loss;
mod threads;
#[cfg(feature = "otel")]
pub mod traces;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod unix_connection;
#[cfg(feature = "cli")]
mod upgrade;
mod upgrade_status;

pub use admin::{AdminToken, WeakTokenError};
pub use check_info::CheckInfo;
pub use check_requester::{AskingRequest, CheckRequester};
pub use control_socket::SocketAccess;
pub use details::{LiveInfo, LiveOrEnded, RunnerDetails, StepInfo};
pub use ended_info::EndedInfo;
pub use events::{Event, EventStream};
pub use evidence::{OomEvidence, OutputLine, OutputStream, Usage};
#[doc(no_inline)]
pub use fal_health::metrics::{Bucket, MetricFamily, MetricKind, Series, SeriesValue};
pub use fal_health::protocol::{Address, AddressError, Progress};
#[doc(no_inline)]
pub use fal_health::{HealthCheck, HealthCheckSpec};
pub use fleet::{
    Admission, EventKind, Exit, FailureCause, GaveUp, GiveUp, MAX_RECORDS, OnStall, OrderError, Reason,
    ReplacementStrategy, RestartError, RestartStatus, RunnerOrder, RunnerRecord, RunnerState, ScaleTarget,
    Step, StepKind,
};
pub use host::{AppSpec, Host, HostBuilder, HostHandle, InvalidHealthCheck, ListenerKind, StartError};
pub use id::RunnerId;
pub use latency::LatencyTotal;
pub use launch::{
    LaunchError, Launcher, PortLauncher, ProcessLauncher, RunnerHandle, StatusReporter, StopSignal,
    StopSignalTo, adopt_orphans,
};
pub use log_loss::LostLines;
pub use note::{Note, NoteKind};
pub use open_files::raise_open_files;
#[cfg(feature = "tls")]
pub use proxy::TlsError;
pub use proxy::{AddressRange, ParseAddressRangeError};
pub use recent_losses::RecentLosses;
pub use request_info::{AwaitedTransfer, ClientWait, RequestInfo};
pub use snapshot::{BackoffInfo, HealthInfo, RunnerInfo, Snapshot};
pub use span_loss::LostSpans;
pub use upgrade_status::UpgradeStatus;
