//! Long trials of a host under load and faults. Each prints what it measured, and fails if a limit is exceeded.
//!
//! The host runs in this process; its runners are this program again, as [`app`] declares them. What is measured are
//! times and growth, so the trials are commands and not tests: they want a machine of their own and `--release`.

#![expect(
    clippy::cast_precision_loss,
    clippy::print_stdout,
    reason = "figures for people, on standard output"
)]

mod abuse;
mod app;
mod busy;
mod crashes;
mod gauge;
mod interim;
mod latencies;
mod ledger;
mod load;
mod oversubscribed;
mod plot;
mod promotions;
mod replacements;
mod soak;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use fal_runtime::Result;
use fal_runtime::host::builder;

use crate::app::Steady;

/// Trials of a host under load and faults
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Options {
    #[command(subcommand)]
    trial: Option<Trial>,
    #[command(flatten)]
    soak: SoakOptions,
}

#[derive(Debug, Subcommand)]
enum Trial {
    /// Replace runners under load: no request may fail
    Replacements {
        /// How many
        #[arg(long, default_value_t = 200)]
        replacements: usize,
        /// How many requests at least
        #[arg(long, default_value_t = 100_000)]
        requests: usize,
    },
    /// Kill runners one after another: nothing may be left of them
    Crashes {
        /// How many
        #[arg(long, default_value_t = 10_000)]
        cycles: usize,
    },
    /// Kill the runner in rotation while a spare is ready: how long it takes until the spare is in rotation
    Promotions {
        /// How many times
        #[arg(long, default_value_t = 50)]
        crashes: usize,
    },
    /// Take the CPU from everybody, and stop the host: no healthy runner may end, and every hung one must
    Oversubscribed {
        /// How many processes that only burn, a core
        #[arg(long, default_value_t = 8)]
        factor: usize,
        /// How long no runner hangs, in seconds
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
    /// Abuse a host: the p99 of another client must not double
    Abuse {
        /// How often each abuse is measured
        #[arg(long, default_value_t = 5)]
        rounds: usize,
        /// How long each time, in seconds
        #[arg(long, default_value_t = 4)]
        seconds: u64,
    },
    /// Serve requests until standard input ends: the host that is abused
    #[command(hide = true)]
    Serve {
        /// Serve the app that sends interim responses
        #[arg(long)]
        interim: bool,
    },
    /// Keep every worker of a runner busy: it must answer its checks within 25 ms at p99
    Busy {
        /// How many checks
        #[arg(long, default_value_t = 1000)]
        checks: usize,
    },
}

/// The soak itself: requests at a fixed rate, and a random fault every second
#[derive(Debug, clap::Args)]
struct SoakOptions {
    /// How long
    #[arg(long, default_value_t = 30)]
    minutes: u64,
    /// Requests a second
    #[arg(long, default_value_t = 200)]
    rate: u32,
    /// Switch on every rule that is off by default: limits on memory, age and requests, a confirm interval, a minimum
    /// healthy time, and retries
    #[arg(long)]
    every_rule: bool,
    /// Decides which faults there are
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where to write the plot
    #[arg(long, default_value = "docs/soak.svg")]
    plot: PathBuf,
    /// Where to write what was plotted, one line a second
    #[arg(long)]
    csv: Option<PathBuf>,
}

fn main() -> ExitCode {
    if let Some(code) = fal_runtime::as_runner() {
        return code;
    }
    match run(Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("failed: {error}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(options: Options) -> Result<()> {
    match options.trial {
        None => soak::run(&options.soak).await,
        Some(Trial::Replacements { replacements, requests }) => {
            replacements::run(replacements, requests).await
        }
        Some(Trial::Crashes { cycles }) => crashes::run(cycles).await,
        Some(Trial::Promotions { crashes }) => promotions::run(crashes).await,
        Some(Trial::Oversubscribed { factor, seconds }) => oversubscribed::run(factor, seconds).await,
        Some(Trial::Busy { checks }) => busy::run(checks).await,
        Some(Trial::Abuse { rounds, seconds }) => {
            tokio::task::spawn_blocking(move || abuse::run(rounds, Duration::from_secs(seconds))).await?
        }
        Some(Trial::Serve { interim: false }) => abuse::serve(builder::<Steady>()?.start().await?).await,
        Some(Trial::Serve { interim: true }) => abuse::serve(interim::host().await?).await,
    }
}
