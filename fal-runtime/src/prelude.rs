//! The common imports of a file that declares an app: `use fal_runtime::prelude::*;`.
//!
//! The derives refer to their own crates, so the app's Cargo.toml needs `serde` (feature `derive`) and `schemars`
//! in addition to `fal-runtime`.

pub use std::process::ExitCode;

pub use schemars::JsonSchema;
pub use serde::{Deserialize, Serialize};

pub use crate::{
    ApiError, App, Context, Error, Events, HealthCheck, ResponseHead, Result, Router, Setup, StatusCode, app,
    endpoint, endpoints,
};
