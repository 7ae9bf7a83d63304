//! Who started the runner and receives its reports: a host, or a person at a terminal.

use std::fmt::Display;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use fal_health::protocol::{ListenAddress, Message};

use super::control::Control;
use super::exit::Exit;
use super::metrics_reporter::MetricsReporter;
use crate::app::{Declaration, Setup};
use crate::cli::describe;
use crate::server::ReadTimeout;

/// How long a client may keep a connection open without sending a request, if no host is in front of the runner.
const CLIENT_READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Who started a runner and receives its reports.
#[derive(Debug)]
pub(crate) enum Supervisor {
    /// A host, over the control channel.
    Host(Arc<Control>),
    /// A person or a service manager, on standard output.
    Terminal,
}

impl Supervisor {
    /// The argument of the app's `setup`, which reports progress to this supervisor.
    pub(super) fn setup(&self) -> Setup {
        match self {
            Self::Host(control) => {
                let control = Arc::clone(control);
                Setup::new(move |progress| control.send(&Message::Progress(progress.clone())))
            }
            Self::Terminal => Setup::default(),
        }
    }

    /// What sends the runner's metrics, if there is a host.
    pub(super) fn metrics_reporter(&self) -> Option<MetricsReporter> {
        match self {
            Self::Host(control) => Some(MetricsReporter::new(control)),
            Self::Terminal => None,
        }
    }

    /// Reports that requests are served at this address.
    pub(super) fn ready(&self, app: &Declaration, address: &ListenAddress) {
        match self {
            Self::Host(control) => control.send(&Message::ready()),
            Self::Terminal => {
                let mut out = io::stdout().lock();
                // Standard output may be closed; the runner still serves.
                let _ = write!(out, "{}", describe::banner(app, address)).and_then(|()| out.flush());
            }
        }
    }

    /// Reports where probes are answered.
    pub(super) fn answers_probes(&self, address: &ListenAddress) {
        if matches!(self, Self::Terminal) {
            let address = address.to_string().replacen("tcp:", "http://", 1);
            let mut out = io::stdout().lock();
            let _ = writeln!(out, "probes are answered on {address}/readyz").and_then(|()| out.flush());
        }
    }

    /// Reports where metrics are shown.
    #[cfg(feature = "metrics")]
    pub(super) fn shows_metrics(&self, address: &ListenAddress) {
        if matches!(self, Self::Terminal) {
            let address = address.to_string().replacen("tcp:", "http://", 1);
            let mut out = io::stdout().lock();
            let _ = writeln!(out, "metrics are shown on {address}/metrics").and_then(|()| out.flush());
        }
    }

    /// Reports that the runner cannot start.
    pub(super) fn not_started(&self, error: &dyn Display) -> Exit {
        if let Self::Host(control) = self {
            control.send(&Message::failed(&error.to_string()));
        }
        not_started(error)
    }

    /// Reports that the runner cannot start, because the system gives it no thread.
    pub(super) fn no_thread(&self, error: &dyn Display) -> Exit {
        self.not_started(&format_args!(
            "cannot start a thread: {error}; raise the limit on processes (`ulimit -u`, `TasksMax=` of a systemd unit, \
             or the pids limit of the container) or on memory"
        ))
    }

    /// Reports that `setup` failed.
    pub(super) fn setup_failed(&self, app: &Declaration, error: &dyn Display) -> Exit {
        if let Self::Host(control) = self {
            control.send(&Message::failed(&error.to_string()));
        }
        print_error(&format_args!("setup of {} failed: {error}", app.settings.name()));
        Exit::SetupFailed
    }

    /// How long a client may take to send a request.
    pub(super) fn read_timeout(&self) -> ReadTimeout {
        match self {
            Self::Host(_) => ReadTimeout::Unlimited,
            Self::Terminal => ReadTimeout::After(CLIENT_READ_TIMEOUT),
        }
    }
}

/// Reports on standard error that the runner cannot start, where there is no control channel.
pub(super) fn not_started(error: &dyn Display) -> Exit {
    print_error(error);
    Exit::NotStarted
}

/// Prints the error that ends the process. Not through the log, whose filter may hide it.
fn print_error(error: &dyn Display) {
    let _ = writeln!(io::stderr(), "error: {error}");
}
