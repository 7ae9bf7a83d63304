//! Minimal programs to compare with: what an endpoint, a hop and a check cost without this project.

mod endpoint;
mod hop;
mod listen;

use std::path::PathBuf;

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
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Peer::parse() {
        Peer::Axum { address } => endpoint::axum(&address).await,
        Peer::Hyper { address } => endpoint::hyper(&address).await,
        Peer::Hop { address, to } => hop::forward(&address, to).await,
    }
}
