//! Declare apps with health checks.

extern crate self as fal_runtime;

mod app;
mod calls;
mod cli;
mod control;
mod endpoint;
mod error;
#[cfg(feature = "host")]
pub mod host;
mod openapi;
pub mod prelude;
mod router;
mod runner;
mod server;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use app::{App, AppOptions, BoxFuture, Declaration, Instance, Settings};
pub use axum::Router;
pub use calls::{Calls, ConnectionHold};
pub use cli::main;
pub use endpoint::{Endpoint, ResponseHead};
pub use error::{Context, Error, Result};
pub use fal_health::{HealthCheck, HealthCheckSpec};
pub use fal_macros::{app, endpoint, endpoints};
pub use http::StatusCode;
pub use router::router;
pub use runner::{RunnerState, as_runner, runner_state};
