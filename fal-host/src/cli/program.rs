//! The program `fal-host`.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::{Command, ExitCode};

use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};

use super::app_spec_options::AppSpecOptions;
use super::banner::Banner;
use super::failure::Failure;
use super::host_options::HostOptions;
use super::launch_options::LaunchOptions;
use super::operate::{self, Operation, Target};
use super::run::run;
use super::settings;
use crate::fleet::DEFAULT_STARTUP_TIMEOUT;
use crate::{AppSpec, Host};

const AFTER_HELP: &str = "\
Examples:
  fal-host -- python3 server.py                                   replace the server when its process ends
  fal-host --health GET:/health -- python3 server.py              and when its health check fails
  fal-host --runners 4 --max-multiplexing 8 -- python3 server.py  four servers, eight requests at a time each
  fal-host runners                                                what the running host does; see `explain`, `restart`

Every option has an environment variable, shown in brackets; the option overrides the variable. FAL_LOG sets the level \
of the log on standard error, for example `debug`, `warn` or `off`.";

/// Runs servers of any kind, checks their health, and forwards requests to them
///
/// The host starts the command once for each runner. Each runner gets its own port in the environment variable PORT and
/// must listen on it at 127.0.0.1. A runner is ready when its port accepts a connection. A runner that fails its health
/// check or ends is replaced; requests wait in the queue meanwhile.
///
/// SIGTERM and Ctrl-C stop the host after the requests in flight have ended. A second signal, at least 100 ms after the
/// first, stops it at once. SIGHUP replaces all runners, one after another. Requests in flight may take as long as the
/// drain timeout and the grace period together. If standard input is a terminal, SIGHUP stops the host.
#[derive(Debug, Parser)]
#[command(name = "fal-host", version, after_help = AFTER_HELP)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) operation: Option<ProgramOperation>,

    #[command(flatten)]
    pub(super) app: AppSpecOptions,

    #[command(flatten)]
    pub(super) host: HostOptions,

    #[command(flatten)]
    pub(super) launch: LaunchOptions,

    /// The command that starts a server, with its arguments
    #[arg(required = true, last = true, value_name = "COMMAND")]
    pub(super) command: Vec<OsString>,
}

/// The subcommands of `fal-host`.
#[derive(Debug, Subcommand)]
pub(super) enum ProgramOperation {
    #[command(flatten)]
    Operation(Operation),
    /// Check a runner now; exits with 1 if the check fails
    ///
    /// As for a response that asks for a check: a runner that fails it is replaced at once.
    Check {
        /// The id of the runner
        id: u64,
        #[command(flatten)]
        target: Target,
    },
}

/// The command line of `fal-host`, for its manual page and its completions.
pub fn command() -> clap::Command {
    Arguments::command()
}

/// The program `fal-host`. Returns its exit code.
pub fn main() -> ExitCode {
    let given = Arguments::command().get_matches();
    // What was parsed by the same command line has all its values.
    let arguments = Arguments::from_arg_matches(&given).unwrap_or_else(|error| error.exit());
    let ended = match &arguments.operation {
        Some(ProgramOperation::Operation(operation)) => operation.run().map_err(Failure::from),
        Some(ProgramOperation::Check { id, target }) => operate::check(target, *id).map_err(Failure::from),
        None => serve(&arguments, &given),
    };
    ended.unwrap_or_else(|error| {
        let _ = writeln!(io::stderr(), "error: {error}");
        ExitCode::FAILURE
    })
}

fn serve(arguments: &Arguments, given: &ArgMatches) -> Result<ExitCode, Failure> {
    let app = arguments.spec();
    let command = Arguments::command();
    let computed = [
        ("max-replacing", arguments.host.max_replacing().map(NonZeroUsize::get).into()),
        ("startup-timeout", humantime::format_duration(DEFAULT_STARTUP_TIMEOUT).to_string().into()),
        ("give-up-after", settings::GIVE_UP_AFTER.into()),
    ];
    let options = settings::options("host", &command, given, &computed);
    let settings = settings::json(&[options, settings::log(std::env::var("FAL_LOG").ok())]).to_string();
    let banner = Banner { title: &app.name, details: "", app: &app, settings: &settings };
    run(banner, &arguments.host, || {
        let launcher = arguments.launch.launcher(arguments.runner());
        let env_each = arguments.host.env_each.iter();
        let launcher = env_each.fold(launcher, |launcher, env| launcher.env_each(&env.name, &env.value));
        Ok(Host::with_launcher(app.clone(), launcher))
    })
}

impl Arguments {
    /// The command without its arguments. clap requires at least one word.
    fn program(&self) -> &OsStr {
        self.command.first().map(OsString::as_os_str).unwrap_or_default()
    }

    pub(super) fn runner(&self) -> Command {
        let mut command = Command::new(self.program());
        command.args(self.command.iter().skip(1));
        command
    }

    /// The spec of the server. Its name is the file name of the command, unless `--name` is given.
    pub(super) fn spec(&self) -> AppSpec {
        let file = Path::new(self.program()).file_name().unwrap_or_default();
        self.app.spec(&file.to_string_lossy())
    }
}
