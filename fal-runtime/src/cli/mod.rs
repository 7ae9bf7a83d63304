//! The command line of a program with apps.

mod app_option;
mod check;
mod config;
#[cfg(feature = "host")]
mod deploy;
pub(crate) mod describe;
pub(crate) mod docs_option;
mod environment;
mod errors;
mod log_filter;
pub(crate) mod logging;
mod openapi;
mod options;
#[cfg(feature = "host")]
mod run;
mod secrets;
pub(crate) mod select;
mod serve_options;
mod settings;
mod suggestions;
mod values;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{ArgMatches, CommandFactory, FromArgMatches};

use self::describe::Endpoints;
use self::options::{Arguments, Command, ConfigOptions, OpenapiOptions, OpenapiVersion};
use self::serve_options::ServeOptions;
use crate::app::Declaration;
use crate::error::{Error, Result};
use crate::runner::{RunnerProcess, Supervisor, as_runner};
use crate::server::Listener;

/// The command line of a program with apps. Returns the exit code for `main`.
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
/// | `run`, or none | serve the app with a host, which checks its runners and replaces them; needs the feature `host` |
/// | `serve` | serve the app with one runner and without a host |
/// | `openapi` | print the OpenAPI document, or compare it with a file (`--check FILE`); `--version 3.0` for OpenAPI 3.0.3 |
/// | `list` | print the apps of the program and their endpoints |
/// | `config` | print every setting and its origin |
/// | `check` | probe the app that runs in the same container, or check one runner |
/// | `runners`, `explain`, `logs`, `wait` | show the running host; need the feature `host` |
/// | `restart`, `upgrade`, `drain`, `replace`, `stop`, `kill`, `scale`, `pause`, `resume` | control the running host; need the feature `host` |
/// | `systemd` | print the unit of systemd, or its socket (`--socket`); needs the feature `host` |
/// | `kubernetes` | print the manifests of Kubernetes; needs the feature `host` |
///
/// `--help` explains each. In a program with several apps, `--app NAME` selects one. In a process that a host started,
/// `main` becomes the runner instead ([`as_runner`]). The log goes to standard error, filtered by the environment
/// variable `FAL_LOG` (default `info`). If the program has set up a `tracing` subscriber, that one is used.
///
/// It blocks until the program ends. It can be called on a tokio runtime, as in an `async fn main`.
#[must_use = "return the exit code: `fn main() -> ExitCode { fal_runtime::main() }`"]
pub fn main() -> ExitCode {
    as_runner().unwrap_or_else(|| main_of(std::env::args_os()))
}

fn main_of(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let (command, arguments) = (command(), arguments.into_iter().collect::<Vec<_>>());
    let given = match errors::parse(&command, &arguments) {
        // The help or the version.
        Err(error) if !error.use_stderr() => error.exit(),
        given => given,
    };
    let variables = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let variables: Vec<_> = variables.collect();
    let subcommand = given.as_ref().ok().and_then(ArgMatches::subcommand_name);
    let mut warnings = environment::typos(&command, &variables);
    if let Some(subcommand @ ("serve" | "systemd")) = subcommand {
        warnings.extend(environment::ignored(&command, subcommand, &variables));
    }
    for warning in warnings {
        let _ = writeln!(io::stderr(), "warning: {warning}");
    }
    let given = match given {
        Ok(given) => given,
        Err(error) => return errors::report(&error),
    };
    perform(&given).unwrap_or_else(|error| {
        let _ = writeln!(io::stderr(), "error: {error}");
        ExitCode::FAILURE
    })
}

/// The command line. If the program has one app, it has the name and version of that app.
fn command() -> clap::Command {
    let command = Arguments::command();
    // A unit has its own environment, and not that of the shell in which it is printed.
    #[cfg(feature = "host")]
    let command = command.mut_subcommand("systemd", |systemd| systemd.mut_args(|arg| arg.env(None::<&str>)));
    match *Declaration::all() {
        [app] => command.name(app.settings.name()).version(app.settings.version()),
        _ => command,
    }
}

fn perform(given: &ArgMatches) -> Result<ExitCode> {
    let arguments = Arguments::from_arg_matches(given)?;
    match arguments.command {
        #[cfg(feature = "host")]
        None => run::run(&arguments.run, given),
        #[cfg(feature = "host")]
        Some(Command::Run(options)) => run::run(&options, given.subcommand_matches("run").unwrap_or(given)),
        Some(Command::Serve(options)) => serve(options),
        Some(Command::Openapi(options)) => openapi(options),
        Some(Command::List) => {
            let apps = Declaration::all();
            let listed = print(&list(&apps))?;
            select::validate(&apps).map(|()| listed).map_err(Into::into)
        }
        Some(Command::Config(options)) => {
            let given = given.subcommand_matches("config").unwrap_or(given);
            config(&options, given)
        }
        Some(Command::Check(options)) => check::check(&options),
        #[cfg(feature = "host")]
        Some(Command::Operation(operation)) => Ok(operation.of_apps(select::names()).run()?),
        #[cfg(feature = "host")]
        Some(Command::Systemd(options)) => systemd(&options),
        #[cfg(feature = "host")]
        Some(Command::Kubernetes(options)) => kubernetes(&options),
        // Unreachable: clap requires a subcommand.
        #[cfg(not(feature = "host"))]
        None => Ok(ExitCode::FAILURE),
    }
}

fn serve(options: ServeOptions) -> Result<ExitCode> {
    let app = select::app(options.app.name.as_deref())?;
    #[cfg(feature = "otel")]
    crate::traces::start(app.settings.name()).map_err(Error::from)?;
    logging::init(logging::Timestamps::On);
    // Before `setup`, which can take long.
    Listener::check_available(&options.listen).map_err(|error| {
        let error = Error::from(error);
        Error::msg(format!(
            "{error}; use another address with `--listen`; `tcp:127.0.0.1:0` lets the system pick a port"
        ))
    })?;
    let runner = RunnerProcess {
        app,
        fleet: options.fleet(),
        listen: options.listen,
        health_listen: None,
        grace_period: options.grace.unwrap_or(app.settings.termination_grace_period()),
        supervisor: Supervisor::Terminal,
        docs: options.docs.page(),
    };
    Ok(runner.run().into())
}

fn openapi(options: OpenapiOptions) -> Result<ExitCode> {
    let app = select::app(options.app.name.as_deref())?;
    for promise in app.unenforced_rules() {
        let _ = writeln!(io::stderr(), "warning: {promise}");
    }
    let (document, flag) = match options.version {
        OpenapiVersion::V3_0 => (app.openapi_3_0(), " --version 3.0"),
        OpenapiVersion::V3_1 => (app.openapi(), ""),
    };
    let document = openapi::pretty(&document);
    let command = format!("{} openapi{flag}", program());
    match options.check {
        None => print(&document),
        Some(file) => openapi::check(&document, &file, &command).map(|()| ExitCode::SUCCESS),
    }
}

#[cfg(feature = "host")]
fn systemd(options: &deploy::SystemdOptions) -> Result<ExitCode> {
    let app = select::app(options.app.name.as_deref())?;
    let path = fal_host::cli::program_path()?;
    if let Some(warning) = deploy::hidden_from_a_unit(&path) {
        let _ = writeln!(io::stderr(), "warning: {warning}");
    }
    let given: Vec<_> = std::env::args_os().skip_while(|argument| argument != "systemd").skip(1).collect();
    print(&deploy::units(app, options, &path, &given)?)
}

#[cfg(feature = "host")]
fn kubernetes(options: &deploy::KubernetesOptions) -> Result<ExitCode> {
    let app = select::app(options.app.name.as_deref())?;
    #[cfg(feature = "yaml")]
    if let Some(file) = &options.check {
        return deploy::check(app, options, file).map(|()| ExitCode::SUCCESS);
    }
    print(&deploy::manifests(app, options)?)
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
    let sections = config::sections(app, options.host(), given);
    let text =
        if options.json { format!("{:#}\n", settings::json(&sections)) } else { config::table(&sections) };
    print(&text)
}

/// The name by which the user called this program.
fn program() -> String {
    std::env::args().next().unwrap_or_else(|| env!("CARGO_PKG_NAME").to_owned())
}

/// Prints to standard output. A closed pipe, as of `| head`, is no error.
fn print(text: &str) -> Result<ExitCode> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(ExitCode::SUCCESS),
    }
}

#[cfg(test)]
mod tests;
