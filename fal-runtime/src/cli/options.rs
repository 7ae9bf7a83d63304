//! The subcommands and their options.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
#[cfg(feature = "host")]
use fal_host::cli::HostOptions;

use super::app_option::AppOption;
use super::check::CheckOptions;
#[cfg(feature = "host")]
use super::deploy::{KubernetesOptions, SystemdOptions};
#[cfg(feature = "host")]
use super::docs_option::DocsOption;
use super::serve_options::ServeOptions;

#[cfg(feature = "host")]
const AFTER_HELP: &str = "\
Examples of arguments:
  (none)                             one runner, checked every 15 s
  --runners 4 --check-interval 5s    four runners, each checked every 5 s
  --listen 0.0.0.0:80 --admin off    requests from every network, no admin interface
  serve --listen unix:/run/app.sock  one runner without a host, on a Unix socket

Every option of `run` has an environment variable, shown in brackets; the option overrides the variable. `config` shows \
the origin of every value. FAL_LOG sets the level of the log on standard error, for example `debug`, `warn`, `off`, or \
`my_app=debug` for one target.";

#[cfg(not(feature = "host"))]
const AFTER_HELP: &str = "\
Examples of arguments:
  serve                              one runner without a host
  serve --listen unix:/run/app.sock  the same on a Unix socket

FAL_LOG sets the level of the log on standard error, for example `debug`, `warn`, `off`, or `my_app=debug` for one \
target.";

#[cfg_attr(
    feature = "host",
    doc = "Serves the app of this program, and replaces runners that fail their health check."
)]
#[cfg_attr(not(feature = "host"), doc = "Serves the app of this program.")]
#[derive(Debug, Parser)]
#[command(after_help = AFTER_HELP)]
#[cfg_attr(feature = "host", command(args_conflicts_with_subcommands = true))]
#[cfg_attr(not(feature = "host"), command(subcommand_required = true))]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    /// Without a subcommand the options are those of `run`.
    #[cfg(feature = "host")]
    #[command(flatten)]
    pub(super) run: RunOptions,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Serve the app with a host; the default without a subcommand
    ///
    /// The host starts runners (processes of this program), forwards requests to them and calls the app's health check.
    /// It replaces runners that fail the check or end.
    ///
    /// SIGTERM and Ctrl-C stop the host after the requests in flight have ended. A second signal, at least 100 ms after
    /// the first, stops it at once. SIGHUP replaces all runners, one after another. Requests in flight may take as long as
    /// the drain timeout and the grace period together. If standard input is a terminal, SIGHUP stops the host.
    #[cfg(feature = "host")]
    Run(RunOptions),
    /// Serve the app with one runner and without a host
    ///
    /// For platforms that check and replace runners themselves. The health check is an endpoint without special
    /// treatment. SIGTERM and Ctrl-C stop the runner within the app's termination grace period. A second Ctrl-C, at
    /// least 100 ms after the first signal, stops it at once.
    ///
    /// Exit codes: 0 stopped; 1 not started; 3 setup failed; 4 a call or teardown exceeded the grace period; 5 teardown
    /// failed; 6 a check failed with `--on-manual-failure exit`; 130 or 143 stopped by a signal during setup.
    Serve(ServeOptions),
    /// Print the app's OpenAPI document
    Openapi(OpenapiOptions),
    /// Print the apps of this program and their endpoints
    List,
    /// Print every setting and its origin
    #[cfg_attr(feature = "host", doc = "\n\nTakes the options of `run` and shows their effect.")]
    Config(ConfigOptions),
    /// Probe the app that runs in the same container, for a HEALTHCHECK
    ///
    /// Exits with 0 if it answers 200, and with 1 if it does not.
    #[cfg_attr(
        feature = "host",
        doc = "\n\nWith the id of a runner it checks that runner now, as a response that asks for a check does. A runner that fails is \
               replaced at once, and the exit code is 1."
    )]
    Check(CheckOptions),
    #[cfg(feature = "host")]
    #[command(flatten)]
    Operation(fal_host::cli::Operation),
    /// Print the unit of systemd
    ///
    /// Takes the options of `run`, which the unit then has, and computes its time limits from them.
    #[cfg(feature = "host")]
    Systemd(SystemdOptions),
    /// Print the manifests of Kubernetes
    ///
    /// A deployment, a service, a disruption budget and, with `--max-replicas`, an autoscaler. Comments explain each number.
    #[cfg(feature = "host")]
    Kubernetes(KubernetesOptions),
}

#[cfg(feature = "host")]
#[derive(Debug, Args)]
pub(super) struct RunOptions {
    #[command(flatten)]
    pub(super) app: AppOption,

    #[command(flatten)]
    pub(super) docs: DocsOption,

    #[command(flatten)]
    pub(super) host: HostOptions,
}

#[cfg(feature = "host")]
impl RunOptions {
    /// The options of a host, and the computed default of `--max-replacing`.
    pub(super) fn settings(&self) -> (clap::Command, Option<NonZeroUsize>) {
        (Self::augment_args(clap::Command::new("run")), self.host.max_replacing())
    }
}

#[derive(Debug, Args)]
pub(super) struct OpenapiOptions {
    #[command(flatten)]
    pub(super) app: AppOption,

    /// The version of OpenAPI: `3.1` or `3.0`
    ///
    /// 3.0 is for generators that do not read 3.1.
    #[arg(long, value_name = "VERSION", default_value = "3.1")]
    pub(super) version: OpenapiVersion,

    /// Compare the document with this file instead of printing it
    ///
    /// Exits with 1 if they differ. Use it in CI to keep a document in a repository up to date.
    #[arg(long, value_name = "FILE")]
    pub(super) check: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum OpenapiVersion {
    #[value(name = "3.0")]
    V3_0,
    #[value(name = "3.1")]
    V3_1,
}

#[derive(Debug, Args)]
pub(super) struct ConfigOptions {
    /// Print JSON instead of a table
    #[arg(long)]
    pub(super) json: bool,

    #[cfg(feature = "host")]
    #[command(flatten)]
    pub(super) run: RunOptions,

    #[cfg(not(feature = "host"))]
    #[command(flatten)]
    pub(super) app: AppOption,
}

impl ConfigOptions {
    #[cfg(feature = "host")]
    pub(super) fn app(&self) -> Option<&str> {
        self.run.app.name.as_deref()
    }

    #[cfg(not(feature = "host"))]
    pub(super) fn app(&self) -> Option<&str> {
        self.app.name.as_deref()
    }

    /// The options of the host, and the computed default of `--max-replacing`.
    #[cfg(feature = "host")]
    #[expect(clippy::unnecessary_wraps, reason = "the same signature as without the feature")]
    pub(super) fn host(&self) -> Option<(clap::Command, Option<NonZeroUsize>)> {
        Some(self.run.settings())
    }

    /// `None`: there is no host.
    #[cfg(not(feature = "host"))]
    #[expect(clippy::unused_self, reason = "the same signature as with the feature")]
    pub(super) fn host(&self) -> Option<(clap::Command, Option<NonZeroUsize>)> {
        None
    }
}
