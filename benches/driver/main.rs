//! Measures what requests, checks and starts cost beside other programs, and writes `docs/benchmarks.md`.

#![expect(clippy::print_stdout, reason = "figures for people, on standard output")]

mod check;
mod child;
mod client;
mod contender;
mod cpu;
mod endpoint;
mod hop;
mod instructions;
mod machine;
mod page;
mod programs;
mod rounds;
mod servers;
mod start;
mod table;

use std::time::Duration;

use anyhow::Result;
use clap::{Parser, ValueEnum};

use crate::page::Page;
use crate::rounds::Rounds;

/// Measures what requests cost, beside HAProxy, nginx, axum and hyper
///
/// It wants a machine of its own with 2 cores, and Debian's packages haproxy and nginx.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Options {
    #[command(subcommand)]
    command: Option<Subcommand>,
    /// What to measure [default: all]
    #[arg(value_enum)]
    scenarios: Vec<Scenario>,
    /// How many rounds there are; each round measures every program once
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// How long one program is measured in one round, in seconds
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Write the tables into docs/benchmarks.md, too
    #[arg(long)]
    write: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Subcommand {
    /// Count instructions per request, check and event; needs Debian's package valgrind
    Instructions {
        /// What to count, as benches/instructions.txt names it [default: all]
        names: Vec<String>,
        /// Fail if a count is more than 3 % above the one in benches/instructions.txt (checks: 15 %)
        #[arg(long)]
        check: bool,
        /// Write the counts into benches/instructions.txt
        #[arg(long)]
        write: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Scenario {
    /// One proxy on one core, the runner and 32 clients on the other
    Hop,
    /// The same with 256 and 2,000 clients
    Clients,
    /// Bodies of 1 MiB in both directions
    Bodies,
    /// 1,000 streams of events
    Events,
    /// Proxies with two threads on two cores
    TwoCores,
    /// The endpoint without a proxy
    Endpoint,
    /// Crashes, beside a loop of the shell
    Start,
    /// Checks of 9,500 runners
    Check,
}

impl Scenario {
    fn run(self, rounds: &Rounds) -> Result<String> {
        match self {
            Self::Hop => hop::one_core(rounds, &[hop::REQUESTS]),
            Self::Clients => hop::one_core(rounds, &[hop::CLIENTS_256, hop::CLIENTS_2000]),
            Self::Bodies => hop::one_core(rounds, &[hop::BODIES]),
            Self::Events => hop::one_core(rounds, &[hop::EVENTS]),
            Self::TwoCores => hop::two_cores(rounds),
            Self::Endpoint => endpoint::compare(rounds),
            Self::Start => start::compare(),
            Self::Check => check::compare(),
        }
    }

    /// Whether every program is measured once in each round.
    fn has_rounds(self) -> bool {
        !matches!(self, Self::Start | Self::Check)
    }

    /// The name of its part of the page.
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

fn main() -> Result<()> {
    let options = Options::parse();
    let rounds = Rounds { count: options.rounds, duration: Duration::from_secs_f64(options.seconds) };
    machine::raise_open_files()?;
    machine::raise_priority();
    if let Some(Subcommand::Instructions { names, check, write }) = options.command {
        return instructions::run(&names, check, write);
    }
    let scenarios = match options.scenarios.as_slice() {
        [] => Scenario::value_variants(),
        some => some,
    };
    let mut page = Page::read()?;
    for scenario in scenarios {
        let figures = scenario.run(&rounds)?;
        let measured = machine::describe(scenario.has_rounds().then_some(&rounds))?;
        let text = format!("{}\n\n{measured}", figures.trim());
        println!("\n## {}\n\n{text}", scenario.name());
        page.replace(&scenario.name(), &text)?;
        if options.write {
            page.write()?;
        }
    }
    Ok(())
}
