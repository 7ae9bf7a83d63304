//! Two apps of a crate whose Cargo.toml calls `fal-runtime` otherwise. Their program is in `main.rs`.

#![expect(clippy::unused_self, reason = "an endpoint is what its signature says, however little it does")]

use renamed::extract::Path;
use renamed::prelude::*;

/// What is counted.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Input {
    text: String,
}

/// Why nothing was counted.
#[derive(Debug, ApiError)]
#[api(crate = renamed)]
pub enum CountError {
    /// There is no text.
    #[api(status = 422, detail = "there is no text")]
    Empty,
}

/// An app on its `impl` block.
#[derive(Debug, Default)]
pub struct Counter;

#[app(crate = renamed)]
impl Counter {
    /// Counts the words of a text.
    #[endpoint("/")]
    async fn count(&self, input: Input) -> Result<usize, CountError> {
        match input.text.split_whitespace().count() {
            0 => Err(CountError::Empty),
            words => Ok(words),
        }
    }

    /// The letter at a place of a text.
    #[endpoint("/letters/{at}")]
    fn letter(&self, Path(at): Path<usize>, input: Input) -> Option<char> {
        input.text.chars().nth(at)
    }

    #[endpoint("/events")]
    async fn events(&self, input: Input, events: &mut Events<String>) -> Result<()> {
        for word in input.text.split_whitespace() {
            events.send(word.to_owned()).await?;
        }
        Ok(())
    }

    #[endpoint("/health", health_check = HealthCheck(timeout_seconds = 2))]
    async fn health(&self) {}
}

/// An app on its struct.
#[app(crate = renamed, name = "greeter")]
#[derive(Debug, Default)]
pub struct Greeter;

#[endpoints(crate = renamed)]
impl Greeter {
    #[endpoint("/", HealthCheck)]
    async fn greet(&self) -> &'static str {
        "hello"
    }
}
