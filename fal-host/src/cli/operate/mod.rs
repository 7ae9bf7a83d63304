//! The subcommands that show and control a running host, over its Unix socket (S87).

mod client;
mod error;
mod orders;
mod show;
mod table;
mod target;
mod wait;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Subcommand;

pub use self::error::OperateError;
pub use self::target::Target;
use super::values;

/// A subcommand that shows or controls a running host.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum Operation {
    /// List the runners of the running host
    #[non_exhaustive]
    Runners {
        /// Print JSON, as `GET /runners` does
        #[arg(long)]
        json: bool,
        /// Print the list again every second
        #[arg(long, conflicts_with = "json")]
        watch: bool,
        /// Which host
        #[command(flatten)]
        target: Target,
    },
    /// Print the settings of the running host and where they come from
    #[non_exhaustive]
    Settings {
        /// Print JSON, as `GET /config` does
        #[arg(long)]
        json: bool,
        /// Which host
        #[command(flatten)]
        target: Target,
    },
    /// Say why a runner is in its state, or how it ended
    #[non_exhaustive]
    Explain {
        /// The id of the runner, as `runners` and the log have it
        id: u64,
        /// Which host
        #[command(flatten)]
        target: Target,
    },
    /// Print the last lines that a runner printed
    #[non_exhaustive]
    Logs {
        /// The id of the runner
        id: u64,
        /// Go on until the runner ends
        #[arg(long, short)]
        follow: bool,
        /// Which host
        #[command(flatten)]
        target: Target,
    },
    /// Take a runner out of the rotation, let it finish its requests, and end it; its successor starts at once
    #[non_exhaustive]
    Drain {
        /// The id of the runner
        id: u64,
        /// Which host
        #[command(flatten)]
        target: Target,
    },
    /// Start the successor of a runner, and drain the runner when the successor is healthy
    #[non_exhaustive]
    Replace {
        /// The id of the runner
        id: u64,
        /// Which host
        #[command(flatten)]
        target: Target,
    },
    /// Send a runner SIGTERM; its requests may finish within the grace period, and its successor starts at once
    #[non_exhaustive]
    Stop {
        /// The id of the runner
        id: u64,
        /// Which host
        #[command(flatten)]
        target: Target,
    },
    /// Send a runner SIGKILL; its requests are lost, and its successor starts at once
    #[non_exhaustive]
    Kill {
        /// The id of the runner
        id: u64,
        /// Which host
        #[command(flatten)]
        target: Target,
    },
    /// Replace all runners, one after another
    #[non_exhaustive]
    Restart {
        /// Wait for the end, and exit with 1 if the restart was aborted
        #[arg(long)]
        wait: bool,
        /// Which host
        #[command(flatten)]
        target: Target,
    },
    /// Start the program that is on disk now, which takes over the host's sockets when its runners take requests
    ///
    /// No connection is refused. The new host has the arguments and the environment of the old one. If it does not come to serve,
    /// the old one goes on, and the exit code is 1.
    #[non_exhaustive]
    Upgrade {
        /// The new program, if it is not where the old one was
        program: Option<PathBuf>,
        /// How long the new host may take until it serves [default: the startup timeout and a minute]
        #[arg(long, value_name = "TIME", value_parser = values::nonzero_duration)]
        timeout: Option<Duration>,
        /// Which host
        #[command(flatten)]
        target: Target,
    },
    /// Change how many runners there are
    #[non_exhaustive]
    Scale {
        /// How many runners there should be
        #[arg(value_parser = values::count::<u16>)]
        runners: u16,
        /// Which host
        #[command(flatten)]
        target: Target,
    },
    /// Wait until every replica has a runner that takes requests and is healthy
    #[non_exhaustive]
    Wait {
        /// The only condition, and the default
        #[arg(long, hide = true)]
        healthy: bool,
        /// How long to wait; then exit with 1
        #[arg(long, value_name = "TIME", default_value = "5m", value_parser = values::interval)]
        timeout: Duration,
        /// Which host
        #[command(flatten)]
        target: Target,
    },
    /// Let every request wait in the queue until `resume`
    #[non_exhaustive]
    Pause {
        /// Which host
        #[command(flatten)]
        target: Target,
    },
    /// Dispatch requests again after `pause`
    #[non_exhaustive]
    Resume {
        /// Which host
        #[command(flatten)]
        target: Target,
    },
}

impl Operation {
    /// The same for a program with only these apps: it controls no host of another app, unless `--host` or `--socket` names one
    /// ([S88d](fal_health::semantics#s88d)).
    #[must_use]
    pub fn of_apps<'a>(mut self, apps: impl IntoIterator<Item = &'a str>) -> Self {
        let (Self::Runners { target, .. }
        | Self::Settings { target, .. }
        | Self::Explain { target, .. }
        | Self::Logs { target, .. }
        | Self::Drain { target, .. }
        | Self::Replace { target, .. }
        | Self::Stop { target, .. }
        | Self::Kill { target, .. }
        | Self::Restart { target, .. }
        | Self::Upgrade { target, .. }
        | Self::Scale { target, .. }
        | Self::Wait { target, .. }
        | Self::Pause { target, .. }
        | Self::Resume { target, .. }) = &mut self;
        *target = std::mem::take(target).of_apps(apps);
        self
    }

    /// Carries the subcommand out. Returns the exit code: 0, or 1 if what was asked for did not come true.
    ///
    /// # Errors
    ///
    /// When no host is found, several are, or the host refuses it.
    pub fn run(&self) -> Result<ExitCode, OperateError> {
        match self {
            Self::Runners { json: true, target, .. } => show::page(target, "/runners"),
            Self::Runners { watch, target, .. } => table::runners(target, *watch),
            Self::Settings { json: true, target } => show::page(target, "/config"),
            Self::Settings { target, .. } => show::settings(target),
            Self::Explain { id, target } => show::page(target, &format!("/runners/{id}/explain")),
            Self::Logs { id, follow, target } => {
                let query = if *follow { "?follow=true" } else { "" };
                show::page(target, &format!("/runners/{id}/logs{query}"))
            }
            Self::Drain { id, target } => orders::order(target, *id, "drain"),
            Self::Replace { id, target } => orders::order(target, *id, "replace"),
            Self::Stop { id, target } => orders::order(target, *id, "stop"),
            Self::Kill { id, target } => orders::order(target, *id, "kill"),
            Self::Restart { wait, target } => orders::restart(target, *wait),
            Self::Upgrade { program, timeout, target } => {
                orders::upgrade(target, program.as_deref(), *timeout)
            }
            Self::Scale { runners, target } => orders::scale(target, *runners),
            Self::Wait { timeout, target, .. } => wait::until_healthy(target, *timeout),
            Self::Pause { target } => orders::post(target, "/pause"),
            Self::Resume { target } => orders::post(target, "/resume"),
        }
    }
}

/// Makes a manual check of a runner. Returns exit code 0 if it passes, and 1 if it fails.
///
/// # Errors
///
/// As for [`Operation::run`].
pub fn check(target: &Target, runner: u64) -> Result<ExitCode, OperateError> {
    orders::check(target, runner)
}
