use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use fal_health::protocol::ListenAddress;
#[cfg(feature = "host")]
use fal_host::cli::HostOptions;

#[cfg(feature = "host")]
const AFTER_HELP: &str = "\
Examples of arguments:
  (none)                             one runner, checked every 15 s
  --runners 4 --check-interval 5s    four runners, each checked every 5 s
  --listen 0.0.0.0:80 --admin off    requests from every network, nothing shown
  serve --listen unix:/run/app.sock  one runner for a platform of your own

Every option of `run` can also be given as the environment variable that its help names; the option wins. `config` \
shows which value comes from where. FAL_LOG filters the log on standard error: `debug`, `warn`, `off`; `my_app=debug` besides \
`info` for all else.";

#[cfg(not(feature = "host"))]
const AFTER_HELP: &str = "\
Examples of arguments:
  serve                              one runner for a platform of your own
  serve --listen unix:/run/app.sock  the same on a Unix socket

FAL_LOG filters the log on standard error: `debug`, `warn`, `off`; `my_app=debug` besides \
`info` for all else.";

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
    /// Serve the app with a host and its runners; what happens without a subcommand
    ///
    /// The host starts runners (this program again), sends them the requests that it takes, calls the app's health
    /// check, and replaces runners that fail it or end. SIGTERM and Ctrl-C stop it when the requests in flight have
    /// ended; a second one, from 100 ms after the first, stops it at once. SIGHUP replaces all runners, one after another, without losing a request;
    /// where standard input is a terminal it stops it, too.
    #[cfg(feature = "host")]
    Run(RunOptions),
    /// Serve the app with one runner and no host
    ///
    /// For platforms that check and replace runners themselves. The health check is an endpoint like any other here.
    /// SIGTERM and Ctrl-C stop it within the app's termination grace period; a second Ctrl-C, from 100 ms
    /// after the first signal, stops it at once.
    ///
    /// Exit codes: 0 stopped in order; 1 not started; 3 setup failed; 4 stopped, but a call or teardown did not end in
    /// time; 5 stopped, but teardown failed; 143 and 130 stopped during setup.
    Serve(ServeOptions),
    /// Print the app's OpenAPI document
    Openapi(OpenapiOptions),
    /// Print the apps of this program and their endpoints
    List,
    /// Print every setting with where it comes from
    #[cfg_attr(feature = "host", doc = "\n\nTakes the options of `run`, so as to show what they change.")]
    Config(ConfigOptions),
}

/// Which app.
#[derive(Debug, Args)]
pub(super) struct AppOption {
    /// The app to use, where this program has several
    ///
    /// `list` prints their names.
    #[arg(long = "app", value_name = "NAME", env = "FAL_APP")]
    pub(super) name: Option<String>,
}

#[cfg(feature = "host")]
#[derive(Debug, Args)]
pub(super) struct RunOptions {
    #[command(flatten)]
    pub(super) app: AppOption,

    #[command(flatten)]
    pub(super) host: HostOptions,
}

#[derive(Debug, Args)]
pub(super) struct ServeOptions {
    #[command(flatten)]
    pub(super) app: AppOption,

    /// Where to take requests: `tcp:HOST:PORT` or `unix:PATH`
    ///
    /// Port 0 lets the system pick one, which is printed.
    #[arg(long, value_name = "ADDRESS", default_value = "tcp:127.0.0.1:8081")]
    pub(super) listen: ListenAddress,
}

#[derive(Debug, Args)]
pub(super) struct OpenapiOptions {
    #[command(flatten)]
    pub(super) app: AppOption,

    /// Compare it with this file instead of printing it
    ///
    /// Exits with 1 where they differ: for a repository that keeps the document, in its CI.
    #[arg(long, value_name = "FILE")]
    pub(super) check: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct ConfigOptions {
    /// Print JSON, for programs
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

    /// The options of a host, where there can be one, and how many runners it replaces at a time as they are.
    #[cfg(feature = "host")]
    #[expect(clippy::unnecessary_wraps, reason = "without the feature there is none")]
    pub(super) fn host(&self) -> Option<(clap::Command, Option<NonZeroUsize>)> {
        Some((RunOptions::augment_args(clap::Command::new("run")), self.run.host.max_replacing()))
    }

    /// The options of a host, where there can be one.
    #[cfg(not(feature = "host"))]
    #[expect(clippy::unused_self, reason = "with the feature there is one")]
    pub(super) fn host(&self) -> Option<(clap::Command, Option<NonZeroUsize>)> {
        None
    }
}
