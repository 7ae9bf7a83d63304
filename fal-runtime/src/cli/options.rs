#[cfg(feature = "host")]
use std::net::SocketAddr;
use std::path::PathBuf;
#[cfg(feature = "host")]
use std::time::Duration;

#[cfg(feature = "host")]
use clap::builder::FalseyValueParser;
use clap::{Args, Parser, Subcommand};

#[cfg(feature = "host")]
use super::values::{self, Admin, OnStall, Replace};
use crate::server::ListenAddress;

const AFTER_HELP: &str = "\
Examples of arguments:
  (none)                             one runner, checked every 15 s
  --runners 4 --check-interval 5s    four runners, each checked every 5 s
  --listen 0.0.0.0:80 --admin off    requests from every network, nothing shown
  serve --listen unix:/run/app.sock  one runner for a platform of your own

Every option of `run` can also be given as the environment variable that its help names; the option wins. `config` \
shows which value comes from where. FAL_LOG filters the log on standard error: `debug`, `warn`, `my_app=debug`.";

/// Serves the app of this program, and replaces runners that fail their health check.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true, after_help = AFTER_HELP)]
#[cfg_attr(not(feature = "host"), command(subcommand_required = true, arg_required_else_help = true))]
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
    /// ended; a second one stops it at once. SIGHUP replaces all runners, one after another, without losing a request;
    /// where standard input is a terminal it stops it, too.
    #[cfg(feature = "host")]
    Run(RunOptions),
    /// Serve the app with one runner and no host
    ///
    /// For platforms that check and replace runners themselves. The health check is an endpoint like any other here.
    /// SIGTERM and Ctrl-C stop it within the app's termination grace period; a second Ctrl-C stops it at once.
    ///
    /// Exit codes: 0 stopped in order; 1 not started; 3 setup failed; 4 stopped, but a call or teardown did not end in
    /// time; 5 stopped, but teardown failed; 143 and 130 stopped during setup.
    Serve(ServeOptions),
    /// Print the app's OpenAPI document
    Openapi(OpenapiOptions),
    /// Print the apps of this program and their endpoints
    List,
    /// Print every setting with where it comes from
    ///
    /// Takes the options of `run`, so as to show what they change.
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

    /// Where to take requests
    ///
    /// An IP address and a port; port 0 lets the system pick one, which is printed. `0.0.0.0:8080` takes requests
    /// from every network.
    #[arg(long, value_name = "ADDRESS", env = "FAL_LISTEN", default_value = "127.0.0.1:8080", value_parser = values::address)]
    pub(super) listen: SocketAddr,

    /// Where to show the state of the runners, or `off`
    ///
    /// `GET /runners` there is the state of every runner, `GET /healthz` the host's own, `GET /readyz` is 200 while
    /// at least one runner takes requests. It is not protected: keep it to networks that you trust.
    #[arg(long, value_name = "ADDRESS", env = "FAL_ADMIN", default_value = "127.0.0.1:9090")]
    pub(super) admin: Admin,

    /// How many runners to keep
    ///
    /// Each is a process with a setup of its own, and serves as many requests at a time as the app's
    /// `max_multiplexing` says.
    #[arg(long, value_name = "COUNT", env = "FAL_RUNNERS", default_value = "1", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) runners: u16,

    /// How often to check each runner
    ///
    /// A time with its unit, such as `500ms`, `15s` or `1m`.
    #[arg(long, value_name = "TIME", env = "FAL_CHECK_INTERVAL", default_value = "15s", value_parser = values::interval)]
    pub(super) check_interval: Duration,

    /// How many requests may wait for a runner
    ///
    /// A further one is answered 503 (`queue_full`).
    #[arg(long, value_name = "COUNT", env = "FAL_QUEUE", default_value = "1024")]
    pub(super) queue: usize,

    /// How long a request may wait for a runner
    ///
    /// Then it is answered 504 (`queue_timeout`). A time with its unit.
    #[arg(long, value_name = "TIME", env = "FAL_QUEUE_TIMEOUT", default_value = "60s", value_parser = values::duration)]
    pub(super) queue_timeout: Duration,

    /// How long requests in flight may take when runners end by plan
    ///
    /// Counted from when the host is told to stop to when it tells its runners; their own termination grace period
    /// follows. A time with its unit.
    #[arg(long, value_name = "TIME", env = "FAL_DRAIN_TIMEOUT", default_value = "30s", value_parser = values::duration)]
    pub(super) drain_timeout: Duration,

    /// How many runners may be replaced at a time because periodic checks failed
    ///
    /// Others that fail wait for their turn and keep their requests, so that something that all runners need takes
    /// down a part of them only. Without it a third of the runners, at least one. Failed manual checks and runners
    /// that ended never wait.
    #[arg(long, value_name = "COUNT", env = "FAL_MAX_REPLACING", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) max_replacing: Option<u16>,

    /// Replace every runner that fails its checks at once, even if that is all of them
    ///
    /// As a variable it is on with any value but `0`, `false`, `no` and `off`.
    #[arg(long, env = "FAL_STRICT", value_parser = FalseyValueParser::new())]
    pub(super) strict: bool,

    /// When a replacement starts
    ///
    /// `beside`: at once, beside the runner that ends. `exclusive`: when that one's process has ended, for devices
    /// that only one may hold; requests wait meanwhile.
    #[arg(long, value_name = "WHEN", env = "FAL_REPLACE", default_value = "beside")]
    pub(super) replace: Replace,

    /// What it is when a runner passes a check while its requests stand still
    ///
    /// `note`: a pass, and a line in the log. `fail`: a failure, `stalled`, which counts as any other does.
    #[arg(long, value_name = "WHAT", env = "FAL_ON_STALL", default_value = "note")]
    pub(super) on_stall: OnStall,
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

    /// The options of a host, where there can be one.
    #[cfg(feature = "host")]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "without the feature there is none")]
    pub(super) fn host(&self) -> Option<clap::Command> {
        Some(RunOptions::augment_args(clap::Command::new("run")))
    }

    /// The options of a host, where there can be one.
    #[cfg(not(feature = "host"))]
    #[expect(clippy::unused_self, reason = "with the feature there is one")]
    pub(super) fn host(&self) -> Option<clap::Command> {
        None
    }
}
