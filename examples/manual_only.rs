//! Has no periodic checks. An endpoint asks for a check when it sees something odd.
//!
//! Run `cargo run --example manual_only`, and then, more than once,
//! `curl -d '{"divisor": 0}' -H 'content-type: application/json' localhost:8080/`.

use std::sync::atomic::{AtomicU32, Ordering};

use fal_runtime::prelude::*;

#[derive(Deserialize, JsonSchema)]
struct Input {
    divisor: u32,
}

#[derive(Serialize, JsonSchema)]
struct Output {
    quotient: Option<u32>,
}

#[derive(Serialize, JsonSchema)]
struct HealthResponse {
    oddities: u32,
}

#[derive(Default)]
struct ManualOnly {
    oddities: AtomicU32,
}

#[app]
impl ManualOnly {
    /// Divides a thousand.
    #[endpoint("/")]
    async fn divide(&self, input: Input, response: &mut ResponseHead) -> Output {
        let quotient = 1000_u32.checked_div(input.divisor);
        if quotient.is_none() {
            self.oddities.fetch_add(1, Ordering::Relaxed);
            // The response goes out first; then the host checks, and one failure ends this runner.
            response.request_health_check();
        }
        Output { quotient }
    }

    /// Fails after two oddities.
    #[endpoint("/health", health_check = HealthCheck(timeout_seconds = 2, call_regularly = false))]
    async fn health(&self) -> Result<HealthResponse> {
        let oddities = self.oddities.load(Ordering::Relaxed);
        if oddities > 1 {
            return Err(Error::msg(format!("{oddities} oddities")));
        }
        Ok(HealthResponse { oddities })
    }
}

fn main() -> ExitCode {
    fal_runtime::main()
}
