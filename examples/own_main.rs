//! Embeds the host in a program with its own routes and its own `main`.
//!
//! Run `cargo run --example own_main`, and then `curl localhost:3000/status`, and
//! `curl -d '{"text": "abc"}' -H 'content-type: application/json' localhost:8080/`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::routing::get;
use fal_runtime::host::HostHandle;
use fal_runtime::prelude::*;

#[derive(Deserialize, JsonSchema)]
struct Input {
    text: String,
}

#[derive(Serialize, JsonSchema)]
struct Output {
    reversed: String,
}

#[derive(Default)]
struct Reverse;

#[app]
impl Reverse {
    /// Reverses a text.
    #[endpoint("/")]
    async fn reverse(&self, input: Input) -> Output {
        Output { reversed: input.text.chars().rev().collect() }
    }

    #[endpoint("/health", health_check = HealthCheck)]
    async fn health(&self) -> &'static str {
        "ok"
    }
}

/// One line per runner.
async fn status(State(host): State<Arc<HostHandle>>) -> String {
    let Some(snapshot) = host.snapshot().await else { return "the host has stopped\n".to_owned() };
    let line = |runner: &fal_runtime::host::RunnerInfo| {
        let verdict = runner.health.as_ref().map_or("unchecked", |health| health.verdict.name());
        format!("runner {}: {}, {verdict}\n", runner.id, runner.state.name())
    };
    snapshot.runners.iter().map(line).collect()
}

/// The command-line argument at this position, or the default.
fn argument(place: usize, otherwise: &str) -> Result<SocketAddr> {
    Ok(std::env::args().nth(place).as_deref().unwrap_or(otherwise).parse()?)
}

#[tokio::main]
async fn serve() -> Result<()> {
    let host = fal_runtime::host::builder::<Reverse>()?
        .listen(argument(1, "127.0.0.1:8080")?)
        .check_interval(Duration::from_secs(5))
        .start()
        .await?;
    let host = Arc::new(host);
    let listener = tokio::net::TcpListener::bind(argument(2, "127.0.0.1:3000")?).await?;
    println!("requests: http://{}\nstatus:   http://{}/status", host.address(), listener.local_addr()?);

    let routes = axum::Router::new().route("/status", get(status)).with_state(Arc::clone(&host));
    tokio::select! {
        served = axum::serve(listener, routes).into_future() => served?,
        pressed = tokio::signal::ctrl_c() => pressed?,
    }
    host.shutdown();
    host.stopped().await;
    Ok(())
}

fn main() -> ExitCode {
    // The host starts this program again for each runner.
    if let Some(code) = fal_runtime::as_runner() {
        return code;
    }
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
