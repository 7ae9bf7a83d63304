//! Minimal programs to compare with: what an endpoint, a hop and a check cost without this project.

mod endpoint;
mod health;
mod hop;
mod listen;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use fal_health::protocol::Address;

/// A minimal program that the benchmarks compare with
#[derive(Debug, Parser)]
enum Peer {
    /// A JSON endpoint of plain axum
    Axum {
        /// Where it listens
        address: Address,
    },
    /// The same endpoint of plain hyper
    Hyper {
        /// Where it listens
        address: Address,
    },
    /// A hop of plain hyper, without limits, queue or health
    Hop {
        /// Where it listens
        address: Address,
        /// The Unix socket that it forwards to
        to: PathBuf,
    },
    /// A server that answers and counts health checks
    Health {
        /// Where it listens
        address: Address,
    },
    /// A prober of plain hyper
    Prober {
        /// The Unix socket of the server that is checked
        server: PathBuf,
        /// How many runners the server stands for
        runners: NonZeroUsize,
        /// The time between two checks of a runner, in milliseconds
        interval: u64,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Peer::parse() {
        Peer::Axum { address } => endpoint::axum(&address).await,
        Peer::Hyper { address } => endpoint::hyper(&address).await,
        Peer::Hop { address, to } => hop::forward(&address, to).await,
        Peer::Health { address } => health::answer(&address).await,
        Peer::Prober { server, runners, interval } => {
            health::probe(server, runners, Duration::from_millis(interval)).await
        }
    }
}
