//! The programs whose costs are measured: an app with its host, a host of many runners, and a monitor without I/O.

mod host;
mod monitor;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Parser;
use fal_runtime::prelude::*;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

/// A text. The benchmarks send 28 bytes, or 1 MiB.
#[derive(Deserialize, Serialize, JsonSchema)]
struct Text {
    text: String,
}

#[derive(Default)]
struct Bench;

#[app(max_multiplexing = 4096)]
impl Bench {
    /// Returns the text.
    #[endpoint("/")]
    async fn echo(&self, input: Text) -> Text {
        input
    }

    /// Sends the time, in microseconds, ten times a second until the client leaves.
    #[endpoint("/events")]
    async fn events(&self, events: &mut Events<u128>) -> Result<()> {
        let mut ticks = ticks();
        loop {
            ticks.tick().await;
            events.send(SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros()).await?;
        }
    }

    /// Returns the id of the runner's process.
    #[endpoint("/pid")]
    async fn pid(&self) -> u32 {
        std::process::id()
    }

    #[endpoint("/health", health_check = HealthCheck)]
    async fn health(&self) -> &'static str {
        "ok"
    }
}

/// Ten ticks a second. Those of all streams are spread evenly over the time, however fast the streams were opened.
fn ticks() -> Interval {
    static FIRST: LazyLock<Instant> = LazyLock::new(Instant::now);
    static STREAMS: AtomicU64 = AtomicU64::new(0);
    // Steps of the golden ratio fill a period evenly, however many there are.
    let phase = STREAMS.fetch_add(1, Ordering::Relaxed).wrapping_mul(61_803) % 100_000;
    let mut ticks = interval_at(*FIRST + Duration::from_micros(phase), Duration::from_millis(100));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks
}

/// A part of the project without an app
#[derive(Debug, Parser)]
enum Part {
    /// A host of many runners, all at the address of one server
    ManyRunners {
        /// The Unix socket of the server that is checked
        server: PathBuf,
        /// How many runners the server stands for
        runners: NonZeroUsize,
        /// The time between two checks of a runner, in milliseconds
        interval: u64,
    },
    /// Events of a monitor, without I/O
    Monitor {
        /// How many checks it makes
        checks: u64,
    },
}

impl Part {
    fn run(self) -> anyhow::Result<()> {
        match self {
            Self::ManyRunners { server, runners, interval } => {
                host::run(server, runners, Duration::from_millis(interval))
            }
            Self::Monitor { checks } => monitor::feed(checks),
        }
    }
}

fn main() -> anyhow::Result<ExitCode> {
    match std::env::args().nth(1).as_deref() {
        Some("many-runners" | "monitor") => Part::parse().run().map(|()| ExitCode::SUCCESS),
        _ => Ok(fal_runtime::main()),
    }
}
