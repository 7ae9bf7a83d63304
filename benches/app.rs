//! The app whose costs are measured.

use std::process::ExitCode;
use std::time::Duration;

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

    /// Sends ten events a second until the client leaves.
    #[endpoint("/events")]
    async fn events(&self, events: &mut Events<u64>) -> Result<()> {
        let mut ticks = tokio::time::interval(Duration::from_millis(100));
        for number in 0.. {
            ticks.tick().await;
            events.send(number).await?;
        }
        Ok(())
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
