//! One runner: a process with one app, from its setup to its end.

mod control;
mod environment;
mod exit;
mod keeper;
mod life;
mod limit;
mod signals;
mod stop;

use std::io;
use std::process::ExitCode;
use std::sync::Arc;

use fal_health::protocol::{Assignment, AssignmentError};
use rustix::net::{AddressFamily, RecvFlags, getsockname, recv};
use rustix::process::getppid;

use crate::cli::{logging, select};
use control::Control;
use environment::{ProcessContext, Role, StdinState};
pub(crate) use exit::Exit;
pub(crate) use keeper::Keeper;
pub(crate) use life::Life;

/// Turns this process into a runner if a host started it as one, and returns the code to exit with once the runner has
/// ended. `None` in every other process, which goes on as it would.
///
/// It is the first line of a `main` of one's own, before threads are started and arguments are read, since a host
/// starts its runners with the program's own arguments ([`main`](crate::main) does it already):
///
/// ```no_run
/// # use std::process::ExitCode;
/// fn main() -> ExitCode {
///     if let Some(code) = fal_runtime::as_runner() {
///         return code;
///     }
///     // the program's own work
/// #   ExitCode::SUCCESS
/// }
/// ```
///
/// It blocks until the runner has ended, and may be called on a tokio runtime, as in an `async fn main`. The runner's log
/// goes to standard error, filtered by `FAL_LOG` (default `info`), unless the program has set up a `tracing` subscriber
/// before.
///
/// A host starts a runner as the [protocol](fal_health::protocol) describes. `FAL_RUNNER_HOST_PID` names the host, which
/// must be the parent of this process: child processes of a runner inherit the variables and are not runners. Standard
/// input is the control channel to the host. The runner replaces it by the null device, and is killed with its process
/// group as soon as the host is gone (S41).
///
/// | exit code | |
/// |---|---|
/// | 0 | told to stop; every call has ended and `teardown` was run (S42) |
/// | 1 | it could not begin: no such app, or its address cannot be listened on |
/// | 3 | `setup` returned an error or panicked |
/// | 4 | told to stop, and something was not done within the grace period: `teardown` was skipped or cut short (S42) |
/// | 5 | told to stop; `teardown` returned an error or panicked |
/// | 143 | told to stop during `setup` (S42) |
pub fn as_runner() -> Option<ExitCode> {
    let context = ProcessContext { parent: getppid(), stdin: probe_stdin() };
    match environment::role(|name| std::env::var_os(name), context) {
        Role::None => None,
        Role::Orphan => {
            control::kill_own_group();
            Some(Exit::NotStarted.into())
        }
        Role::Runner(assignment) => {
            logging::init(logging::Timestamps::Off);
            Some(run_for_host(assignment).into())
        }
    }
}

fn run_for_host(assignment: Result<Assignment, AssignmentError>) -> Exit {
    let control = match Control::take_from_stdin() {
        Ok(control) => control,
        Err(error) => return keeper::not_started(&format_args!("no channel to the host: {error}")),
    };
    let keeper = Keeper::Host(Arc::new(control));
    let assignment = match assignment {
        Ok(assignment) => assignment,
        Err(error) => return keeper.not_started(&error),
    };
    let app = match select::app(assignment.app.as_deref()) {
        Ok(app) => app,
        Err(error) => return keeper.not_started(&error),
    };
    let grace = assignment.grace_period.unwrap_or(app.settings.termination_grace_period());
    Life { app, listen: assignment.listen, lane: assignment.health_listen, grace, keeper }.live()
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
