//! Declare apps with health checks.

extern crate self as fal_runtime;

mod app;
mod calls;
mod cli;
mod control;
mod error;
mod runner;
mod server;

pub use app::{App, AppOptions, BoxFuture, Declaration, Instance, Settings};
pub use calls::{Calls, ConnectionHold};
pub use error::{Error, Result};
pub use fal_health::{HealthCheck, HealthCheckSpec};
