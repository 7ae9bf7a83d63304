//! Declare apps with health checks.
//!
//! An app is a struct whose methods are typed endpoints. One of them may be the health check, which decides whether
//! the process can still serve. The same program is also the host: it starts runner processes, checks them, and
//! replaces those that fail.
//!
//! ```no_run
//! use fal_runtime::prelude::*;
//!
//! #[derive(Deserialize, JsonSchema)]
//! struct Input {
//!     text: String,
//! }
//!
//! #[derive(Serialize, JsonSchema)]
//! struct Output {
//!     words: usize,
//! }
//!
//! #[derive(Default)]
//! struct WordCount;
//!
//! #[app]
//! impl WordCount {
//!     /// Counts the words of a text.
//!     #[endpoint("/")]
//!     async fn count(&self, input: Input) -> Output {
//!         Output { words: input.text.split_whitespace().count() }
//!     }
//!
//!     #[endpoint("/health", health_check = HealthCheck)]
//!     async fn health(&self) -> &'static str {
//!         "ok"
//!     }
//! }
//!
//! fn main() -> ExitCode {
//!     fal_runtime::main()
//! }
//! ```
//!
//! - [`app`](macro@app), [`endpoints`](macro@endpoints) and [`endpoint`](macro@endpoint) declare apps. Their pages
//!   list all options.
//! - [`extract`] has the extractors: what an endpoint takes from a request other than its body. [`answer`] and
//!   [`Events`] are for answers other than JSON.
//! - [`Error`], [`Context`] and [`ApiError`](derive@ApiError) are for failures. [`ResponseHead`] sets the status
//!   and headers of a response, and requests health checks.
//! - [`main`] runs the command line. A program with its own `main` calls [`as_runner`] first. A program that only
//!   needs the endpoints uses the [`router`].
//! - [`declaration`] has what an app declares: its settings, its endpoints, its OpenAPI document.
//! - [`testing`] runs an app in the process of a test and calls its endpoints as functions.
//!
//! # Features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `cli` | yes | [`main`] and [`as_runner`]: the command line and the runner |
//! | `host` | yes | the subcommand `run` and the module [`host`]; implies `cli` |
//! | `garde` | yes | validation of inputs that derive `garde::Validate` |
//! | `ws` | no | an endpoint may be a WebSocket (`extract::WebSocketUpgrade`) |
//! | `multipart` | no | an endpoint may take form data (`extract::Multipart`) |
//! | `testing-fleet` | no | an app under a host in the process of its test (`testing::TestFleet`); implies `host` |
//! | `tls` | no | the options of `run` for HTTPS; implies `host` |
//! | `http2` | no | HTTP/2 between clients and the host; implies `host` |
//! | `otel` | no | spans of requests and endpoints for OpenTelemetry; implies `host` |
//!
//! With `default-features = false` the crate has the declarations, the [`router`] and [`testing`].
//!
//! The derives refer to their own crates, so an app's Cargo.toml needs `serde` (feature `derive`) and `schemars`
//! in addition to this crate. Numbers such as [S23](fal_health::semantics#s23) name rules, which
//! [`fal_health::semantics`] lists.

#[cfg(all(feature = "cli", not(unix)))]
compile_error!(
    "the features `cli` and `host` of fal-runtime need a Unix system: they use signals and Unix sockets; elsewhere, \
     set `default-features = false` and serve the `router` with a server of your own"
);

extern crate self as fal_runtime;

pub mod answer;
mod app;
mod block_on;
#[cfg(feature = "cli")]
mod cli;
mod cors;
pub mod declaration;
#[cfg(feature = "cli")]
mod docs_page;
mod endpoint;
mod error;
pub mod extract;
mod foreign_messages;
#[cfg(feature = "host")]
pub mod host;
mod json;
pub mod metrics;
mod normal_path;
mod openapi;
pub mod prelude;
mod router;
#[cfg(feature = "cli")]
mod runner;
mod server;
pub mod testing;
#[cfg(feature = "otel")]
mod traces;
mod validation;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use answer::events::Events;
pub use answer::head::ResponseHead;
pub use app::runner_index::runner_index;
pub use app::runner_phase::{RunnerPhase, runner_phase};
pub use app::{App, Setup};
pub use axum::Router;
#[cfg(feature = "cli")]
pub use cli::main;
pub use cors::Cors;
pub use error::{ApiError, Context, Error, FieldError, FieldStep, Result};
pub use fal_health::protocol::Progress;
pub use fal_health::{HealthCheck, HealthCheckSpec};
#[doc = include_str!("docs/api_error.md")]
pub use fal_macros::ApiError;
#[doc = include_str!("docs/app.md")]
pub use fal_macros::app;
#[doc = include_str!("docs/endpoint.md")]
pub use fal_macros::endpoint;
#[doc = include_str!("docs/endpoints.md")]
pub use fal_macros::endpoints;
pub use http::StatusCode;
pub use router::router;
#[cfg(feature = "cli")]
pub use runner::as_runner;
