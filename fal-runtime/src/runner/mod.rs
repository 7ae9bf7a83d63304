//! One runner: a process with one app, from its setup to its end.

mod control;
mod environment;
mod exit;
mod metrics_reporter;
mod own_checks;
mod process;
mod signals;
mod stop;
mod supervisor;
mod task;
mod threads;
mod timeouts;

use std::io;
use std::process::ExitCode;
use std::sync::Arc;

use fal_health::protocol::{Assignment, AssignmentError};
use rustix::net::{AddressFamily, RecvFlags, getsockname, recv};
use rustix::process::getppid;

use crate::cli::{docs_option, logging, select};
use control::Control;
use environment::{ProcessContext, Role, StdinState};
use exit::Exit;
pub(crate) use own_checks::CheckHeader;
pub(crate) use process::{FleetSettings, RunnerProcess};
pub(crate) use supervisor::Supervisor;

/// Runs this process as a runner if a host started it as one. Returns the exit code once the runner has ended, and
/// `None` at once in every other process.
///
/// Call it in the first line of your own `main`, before you start threads or read arguments: a host starts its runners
/// with the arguments of the program. [`main`](crate::main) does this already.
///
/// ```no_run
/// # use std::process::ExitCode;
/// fn main() -> ExitCode {
///     if let Some(code) = fal_runtime::as_runner() {
///         return code;
///     }
///     // the rest of the program
/// #   ExitCode::SUCCESS
/// }
/// ```
///
/// It blocks until the runner has ended. It may be called on a Tokio runtime, as in an `async fn main`. The runner logs
/// to standard error, filtered by `FAL_LOG` (default `info`), unless the program has set a `tracing` subscriber before.
///
/// A host starts a runner as the [protocol](fal_health::protocol) describes. `FAL_RUNNER_HOST_PID` names the host,
/// which must be the parent of this process: child processes of a runner inherit the variables and are not runners.
/// Standard input is the control channel to the host. The runner replaces it by the null device, and is killed with its
/// process group as soon as the host has ended ([S41f](fal_health::semantics#s41f)).
///
/// | exit code | meaning |
/// |---|---|
/// | 0 | told to stop; every call ended and `teardown` was run ([S42](fal_health::semantics#s42)) |
/// | 1 | it could not start: the host speaks another protocol, the app does not exist, or the address is not available |
/// | 3 | `setup` returned an error or panicked |
/// | 4 | told to stop, but the grace period was too short: `teardown` was skipped or cut short ([S42c](fal_health::semantics#s42c)) |
/// | 5 | told to stop; `teardown` returned an error or panicked |
/// | 143 | told to stop during `setup` ([S42e](fal_health::semantics#s42e)) |
pub fn as_runner() -> Option<ExitCode> {
    let context = ProcessContext { parent: getppid(), stdin: probe_stdin() };
    match environment::role(|name| std::env::var_os(name), context) {
        Role::None => None,
        Role::Orphan => {
            control::kill_own_group();
            Some(Exit::NotStarted.into())
        }
        Role::Runner(assignment) => {
            #[cfg(feature = "otel")]
            let traced = start_traces(assignment.as_ref().ok());
            logging::init(logging::Timestamps::Off);
            // The host has refused what it could not use, so this is about the runner's own environment.
            #[cfg(feature = "otel")]
            if let Err(error) = traced {
                tracing::error!("there are no spans of this runner: {error}");
            }
            Some(run_for_host(assignment).into())
        }
    }
}

/// Sets up spans before the log, which sends those of the app's code.
#[cfg(feature = "otel")]
fn start_traces(assignment: Option<&Assignment>) -> Result<(), fal_host::traces::TracesError> {
    let name = assignment.and_then(|assignment| assignment.app.as_deref());
    // A runner without an app does not start.
    select::app(name).map_or(Ok(()), |app| crate::traces::start(app.settings.name()))
}

fn run_for_host(assignment: Result<Assignment, AssignmentError>) -> Exit {
    let control = match Control::take_from_stdin() {
        Ok(control) => control,
        Err(error) => {
            let error = format_args!("standard input cannot be used as the control channel: {error}");
            return supervisor::not_started(&error);
        }
    };
    let watching = control.die_with_the_host();
    let supervisor = Supervisor::Host(Arc::new(control));
    if let Err(error) = watching {
        return supervisor.no_thread(&error);
    }
    let assignment = match assignment {
        Ok(assignment) => assignment,
        Err(error) => return supervisor.not_started(&error),
    };
    let app = match select::app(assignment.app.as_deref()) {
        Ok(app) => app,
        Err(error) => return supervisor.not_started(&error),
    };
    let grace_period = assignment.grace_period.unwrap_or(app.settings.termination_grace_period());
    let Assignment { listen, health_listen, .. } = assignment;
    let (fleet, docs) = (FleetSettings::default(), docs_option::of_environment());
    RunnerProcess { app, listen, health_listen, grace_period, supervisor, fleet, docs }.run()
}

/// Finds out whether standard input is a Unix socket whose other end is closed. Reads nothing from it.
fn probe_stdin() -> StdinState {
    let stdin = io::stdin();
    let is_unix = getsockname(&stdin).is_ok_and(|name| name.address_family() == AddressFamily::UNIX);
    let mut unread = [0; 1];
    match recv(&stdin, &mut unread, RecvFlags::PEEK | RecvFlags::DONTWAIT) {
        Ok((_, 0)) if is_unix => StdinState::ClosedChannel,
        _ => StdinState::Other,
    }
}
