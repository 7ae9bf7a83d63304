//! The smallest app: one endpoint and a health check.

use fal_runtime::prelude::*;

#[derive(Deserialize, JsonSchema)]
struct Input {
    text: String,
}

#[derive(Serialize, JsonSchema)]
struct Output {
    words: usize,
}

#[derive(Default)]
struct WordCount;

#[app]
impl WordCount {
    /// Counts the words of a text.
    #[endpoint("/")]
    async fn count(&self, input: Input) -> Output {
        Output { words: input.text.split_whitespace().count() }
    }

    /// Passes as long as this process can answer.
    #[endpoint("/health", health_check = HealthCheck)]
    async fn health(&self) -> &'static str {
        "ok"
    }
}

fn main() -> ExitCode {
    fal_runtime::main()
}
