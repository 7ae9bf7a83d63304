//! Has a cheap health check. Requests share one device; the check reports what they have seen instead of using it.
//!
//! Run `cargo run --example lightweight`, and then
//! `curl -d '{"steps": 100}' -H 'content-type: application/json' localhost:8080/`. However many
//! steps a request takes, a check does not wait for it. 0 steps break the device.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use fal_runtime::prelude::*;

#[derive(Deserialize, JsonSchema)]
struct Input {
    steps: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Output {
    result: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
struct HealthResponse {
    status: &'static str,
}

#[derive(Default)]
struct Lightweight {
    device: Mutex<Device>,
    is_lost: AtomicBool,
}

#[app(max_multiplexing = 4)]
impl Lightweight {
    /// Locks the device for the whole call.
    #[endpoint("/")]
    fn run(&self, input: Input) -> Result<Output> {
        let mut device = self.device.lock().unwrap_or_else(PoisonError::into_inner);
        let result = device.run(input.steps).inspect_err(|_| self.is_lost.store(true, Ordering::Relaxed))?;
        Ok(Output { result })
    }

    /// Neither uses the device nor waits for requests that do.
    #[endpoint("/health", HealthCheck(timeout_seconds = 10))]
    async fn health(&self) -> Result<HealthResponse> {
        if self.is_lost.load(Ordering::Relaxed) {
            return Err(Error::msg("the device is lost"));
        }
        Ok(HealthResponse { status: "ok" })
    }
}

/// Stands for a GPU.
#[derive(Default)]
struct Device(u64);

impl Device {
    fn run(&mut self, steps: u64) -> Result<u64> {
        let steps = std::num::NonZeroU64::new(steps).context("the device no longer responds")?;
        for step in 0..steps.get() {
            self.0 = self.0.rotate_left(5) ^ step;
        }
        Ok(self.0)
    }
}

fn main() -> ExitCode {
    fal_runtime::main()
}

#[cfg(test)]
mod tests {
    use fal_runtime::testing::TestApp;

    use super::*;

    #[tokio::test]
    async fn a_check_does_not_wait_for_the_device_and_fails_when_it_is_lost() {
        let app = TestApp::<Lightweight>::start().await.unwrap();
        assert!(app.call(Lightweight::run, Input { steps: 3 }).await.is_ok());
        let in_use = app.device.lock().unwrap();
        assert_eq!(app.health().wait(), Ok(()));
        drop(in_use);

        assert!(app.call(Lightweight::run, Input { steps: 0 }).await.is_err());
        let why = app.call(Lightweight::health, ()).await.unwrap_err();
        assert_eq!(why.to_string(), "the device is lost");
    }
}
