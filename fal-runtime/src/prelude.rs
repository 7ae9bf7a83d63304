//! What an app's file needs: `use fal_runtime::prelude::*;`.
//!
//! The derives name their own crates, so that the app's Cargo.toml has serde (feature `derive`) and schemars beside
//! fal-runtime.

pub use std::process::ExitCode;

pub use schemars::JsonSchema;
pub use serde::{Deserialize, Serialize};

pub use crate::{
    ApiError, App, Context, Error, Events, HealthCheck, ResponseHead, Result, Router, Setup, StatusCode, app,
    endpoint, endpoints,
};
