//! The app whose costs are measured.

use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fal_runtime::prelude::*;

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
        let mut ticks = tokio::time::interval(Duration::from_millis(100));
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

fn main() -> ExitCode {
    fal_runtime::main()
}
