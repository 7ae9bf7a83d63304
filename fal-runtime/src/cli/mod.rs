//! The command line of a program with apps.

mod config;
pub(crate) mod describe;
mod environment;
pub(crate) mod logging;
mod mistakes;
mod openapi;
mod options;
#[cfg(feature = "host")]
mod run;
mod secrets;
pub(crate) mod select;
mod tips;

use std::ffi::OsString;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::process::ExitCode;

use clap::{ArgMatches, CommandFactory, FromArgMatches};

use self::describe::Endpoints;
use self::mistakes::Wrong;
use self::options::{Arguments, Command, ConfigOptions, OpenapiOptions, ServeOptions};
use crate::runner::{Keeper, Life, as_runner};
use crate::server::Listener;
use crate::{Declaration, Error, Result};

/// The whole command line of a program with apps: what its `main` returns.
///
/// ```no_run
/// # use std::process::ExitCode;
/// fn main() -> ExitCode {
///     fal_runtime::main()
/// }
/// ```
///
/// | subcommand | |
/// |---|---|
/// | `run`, or none | serve the app with a host, which checks its runners and replaces them; with the feature `host` |
/// | `serve` | serve it with one runner and no host |
/// | `openapi` | print the OpenAPI document, or with `--check FILE` compare it |
/// | `list` | print the apps of the program and their endpoints |
/// | `config` | print every setting with where it comes from |
///
/// `--help` explains each. A program of several apps says with `--app NAME` which one is meant. The process that a
/// host starts becomes a runner instead ([`as_runner`]). The log goes to standard error, filtered by the environment
/// variable `FAL_LOG` (default `info`), unless the program has set up a `tracing` subscriber of its own.
///
/// It blocks until the program is to end, and may be called on a tokio runtime, as in an `async fn main`.
#[must_use = "it is the exit code: write `fn main() -> ExitCode { fal_runtime::main() }`"]
pub fn main() -> ExitCode {
    as_runner().unwrap_or_else(|| main_of(std::env::args_os()))
}

/// What a program ends with whose command line or environment cannot be: what clap ends it with, too.
const MISUSED: u8 = 2;

fn main_of(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let (command, arguments) = (command(), arguments.into_iter().collect::<Vec<_>>());
    let given = match mistakes::read(&command, &arguments) {
        Err(Wrong::Other(error)) if !error.use_stderr() => error.exit(),
        given => given,
    };
    let variables = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let variables: Vec<_> = variables.collect();
    let serves = given.as_ref().is_ok_and(|given| given.subcommand_name() == Some("serve"));
    let mut warnings = environment::slips(&command, &variables);
    if serves {
        warnings.extend(environment::ignored(&command, "serve", &variables));
    }
    for warning in warnings {
        let _ = writeln!(io::stderr(), "warning: {warning}");
    }
    let given = match given {
        Ok(given) => given,
        Err(Wrong::Other(error)) => error.exit(),
        Err(Wrong::Settings(mistakes)) => {
            let _ = io::stderr().write_all(mistakes::report(&mistakes).as_bytes());
            return MISUSED.into();
        }
    };
    perform(&given).unwrap_or_else(|error| {
        let _ = writeln!(io::stderr(), "error: {error}");
        ExitCode::FAILURE
    })
}

/// The command line in the name of the only app, where there is one only.
fn command() -> clap::Command {
    let command = Arguments::command();
    match *Declaration::all() {
        [app] => command.name(app.settings.name()).version(app.settings.version()),
        _ => command,
    }
}

fn perform(given: &ArgMatches) -> Result<ExitCode> {
    let arguments = Arguments::from_arg_matches(given)?;
    match arguments.command {
        #[cfg(feature = "host")]
        None => run::run(&arguments.run),
        #[cfg(feature = "host")]
        Some(Command::Run(options)) => run::run(&options),
        Some(Command::Serve(options)) => serve(options),
        Some(Command::Openapi(options)) => openapi(options),
        Some(Command::List) => {
            let apps = Declaration::all();
            let listed = print(&list(&apps))?;
            select::fit(&apps).map(|()| listed).map_err(Into::into)
        }
        Some(Command::Config(options)) => {
            let given = given.subcommand_matches("config").unwrap_or(given);
            config(&options, given)
        }
        // clap requires one.
        #[cfg(not(feature = "host"))]
        None => Ok(ExitCode::FAILURE),
    }
}

fn serve(options: ServeOptions) -> Result<ExitCode> {
    let app = select::app(options.app.name.as_deref())?;
    logging::init(logging::Times::Written);
    // Before `setup`, which may take long.
    Listener::try_out(&options.listen).map_err(|error| {
        let error = Error::from(error);
        Error::msg(format!(
            "{error}; give another address with `--listen`, such as `tcp:127.0.0.1:0` to have a port picked"
        ))
    })?;
    let grace = app.settings.termination_grace_period();
    Ok(Life { app, listen: options.listen, lane: None, grace, keeper: Keeper::Terminal }.live().into())
}

fn openapi(options: OpenapiOptions) -> Result<ExitCode> {
    let app = select::app(options.app.name.as_deref())?;
    for promise in app.unchecked() {
        let _ = writeln!(io::stderr(), "warning: {promise}");
    }
    let document = openapi::pretty(&app.openapi());
    match options.check {
        None => print(&document),
        Some(file) => openapi::check(&document, &file, &program()).map(|()| ExitCode::SUCCESS),
    }
}

fn list(apps: &[&Declaration]) -> String {
    let list = |app: &&Declaration| {
        let (name, version) = (app.settings.name(), app.settings.version());
        format!("{name} {version}\n{}", Endpoints(&app.endpoints()))
    };
    apps.iter().map(list).collect()
}

fn config(options: &ConfigOptions, given: &ArgMatches) -> Result<ExitCode> {
    let app = select::app(options.app())?;
    let check = app.health_check();
    let mut sections = vec![
        config::app(&app.settings),
        config::health_check(check.as_ref(), app.settings.startup_timeout()),
    ];
    if let Some((host, max_replacing)) = options.host() {
        let in_force = [("max-replacing", max_replacing.map(NonZeroUsize::get).into())];
        sections.push(config::options("host", &host, given, &in_force));
    }
    sections.push(config::log(std::env::var("FAL_LOG").ok()));
    let text =
        if options.json { format!("{:#}\n", config::json(&sections)) } else { config::table(&sections) };
    print(&text)
}

/// What the user calls this program.
fn program() -> String {
    std::env::args().next().unwrap_or_else(|| env!("CARGO_PKG_NAME").to_owned())
}

/// Prints what was asked for. A reader that has gone, as `head` does, wants no more of it.
fn print(text: &str) -> Result<ExitCode> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(ExitCode::SUCCESS),
    }
}

#[cfg(test)]
mod tests;
