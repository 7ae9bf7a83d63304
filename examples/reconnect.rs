//! Fails its health check only when nothing else helps: a lost connection that can be made again is a warning, one that
//! cannot is a failure, and the runner is replaced.
//!
//! It counts in Redis. Debian installs that with `apt-get install redis-server`, macOS with `brew install redis`; both
//! start it with `redis-server`. Then `cargo run --example reconnect`, with `REDIS_URL` where it is not on
//! `redis://127.0.0.1:6379`, and
//! `curl -d '{"name": "visitors"}' -H 'content-type: application/json' localhost:8080/`.
//!
//! `redis-cli client kill type normal` takes the connection away; stopping Redis keeps it away.

use std::sync::{Mutex, MutexGuard, PoisonError};

use fal_runtime::prelude::*;
use redis::aio::MultiplexedConnection;
use redis::{Client, RedisError, cmd};

/// What is counted.
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
    /// Locked for as long as it takes to clone it: a health check waits for no request.
    connection: Mutex<MultiplexedConnection>,
}

#[app(max_multiplexing = 16)]
impl Counter {
    async fn setup() -> Result<Self> {
        let url = std::env::var("REDIS_URL").unwrap_or_else(|_| "redis://127.0.0.1:6379".to_owned());
        Self::connect(&url).await.context(
            "no Redis answers: start one (`redis-server`, which Debian installs with `apt-get install \
             redis-server` and macOS with `brew install redis`), or say where it is with REDIS_URL",
        )
    }

    /// Counts one more, and says how many that makes.
    #[endpoint("/")]
    async fn count(&self, input: Input) -> Result<Output> {
        let count = cmd("INCR").arg(input.name).query_async(&mut self.connection()).await?;
        Ok(Output { count })
    }

    #[endpoint("/health", HealthCheck(timeout_seconds = 10))]
    async fn health(&self) -> Result<HealthResponse> {
        if let Err(error) = self.ping().await {
            tracing::warn!("the connection to Redis is lost: {error}");
            // Not critical, as long as it can be made again.
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
