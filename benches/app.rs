//! The app whose costs are measured.

use std::process::ExitCode;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

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

fn main() -> ExitCode {
    fal_runtime::main()
}
