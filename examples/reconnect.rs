//! Fails its health check only if reconnecting does not help. A lost connection that it can restore is a warning. One that
//! it cannot restore is a failure, and the host replaces the runner.
//!
//! It counts in Redis. Install Redis with `apt-get install redis-server` (Debian) or `brew install redis` (macOS), and start
//! it with `redis-server`. Run `cargo run --example reconnect`, with `REDIS_URL` unless Redis is at
//! `redis://127.0.0.1:6379`, and then
//! `curl -d '{"name": "visitors"}' -H 'content-type: application/json' localhost:8080/`.
//!
//! `redis-cli client kill type normal` closes the connection once. Stopping Redis closes it permanently.

use std::sync::{Mutex, MutexGuard, PoisonError};

use fal_runtime::prelude::*;
use redis::aio::MultiplexedConnection;
use redis::{Client, RedisError, cmd};

/// The name of a counter.
#[derive(Deserialize, JsonSchema)]
struct Input {
    name: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Output {
    count: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
struct HealthResponse {
    status: &'static str,
}

struct Counter {
    client: Client,
    /// Locked only to clone it, so a health check does not wait for a request.
    connection: Mutex<MultiplexedConnection>,
}

#[app(max_multiplexing = 16)]
impl Counter {
    async fn setup() -> Result<Self> {
        let url = std::env::var("REDIS_URL").unwrap_or_else(|_| "redis://127.0.0.1:6379".to_owned());
        Self::connect(&url).await.context(
            "cannot connect to Redis: start it with `redis-server` (Debian: `apt-get install redis-server`, \
             macOS: `brew install redis`), or set REDIS_URL",
        )
    }

    /// Increments a counter and returns its value.
    #[endpoint("/")]
    async fn count(&self, input: Input) -> Result<Output> {
        let count = cmd("INCR").arg(input.name).query_async(&mut self.connection()).await?;
        Ok(Output { count })
    }

    #[endpoint("/health", HealthCheck(timeout_seconds = 10))]
    async fn health(&self) -> Result<HealthResponse> {
        if let Err(error) = self.ping().await {
            tracing::warn!("the connection to Redis is lost: {error}");
            // Not critical, as long as reconnecting works.
            self.reconnect().await.context("failed to reconnect to Redis")?;
            tracing::info!("reconnected to Redis");
        }
        Ok(HealthResponse { status: "ok" })
    }
}

impl Counter {
    async fn connect(url: &str) -> Result<Self> {
        let client = Client::open(url)?;
        let connection = client.get_multiplexed_async_connection().await?;
        Ok(Self { client, connection: Mutex::new(connection) })
    }

    async fn ping(&self) -> Result<(), RedisError> {
        cmd("PING").query_async(&mut self.connection()).await
    }

    async fn reconnect(&self) -> Result<(), RedisError> {
        let connection = self.client.get_multiplexed_async_connection().await?;
        *self.lock() = connection;
        self.ping().await
    }

    fn connection(&self) -> MultiplexedConnection {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, MultiplexedConnection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn main() -> ExitCode {
    fal_runtime::main()
}

#[cfg(test)]
#[path = "reconnect/tests.rs"]
mod tests;
