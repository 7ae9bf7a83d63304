//! Tests of apps: an app runs in the process of its test and is called by its functions, without ports or URLs.
//!
//! ```
//! use fal_runtime::prelude::*;
//! use fal_runtime::testing::TestApp;
//!
//! #[derive(Deserialize, JsonSchema)]
//! struct Input { divisor: u32 }
//!
//! #[derive(Default)]
//! struct Divide;
//!
//! #[app]
//! impl Divide {
//!     #[endpoint("/")]
//!     async fn divide(&self, input: Input, response: &mut ResponseHead) -> Result<u32> {
//!         if input.divisor == 0 {
//!             response.request_health_check();
//!         }
//!         Ok(1000_u32.checked_div(input.divisor).status(StatusCode::BAD_REQUEST).detail("by zero")?)
//!     }
//!
//!     #[endpoint("/health", health_check = HealthCheck)]
//!     async fn health(&self) -> &'static str {
//!         "ok"
//!     }
//! }
//!
//! # /*
//! #[tokio::test]
//! # */
//! async fn a_thousand_is_divided() -> Result<()> {
//!     let app = TestApp::<Divide>::start().await?;
//!     assert_eq!(app.call(Divide::divide, Input { divisor: 8 }).await?, 125);
//!     assert!(app.health().await.is_ok());
//!     assert_eq!(app.health_checks_requested(), 0);
//!     app.stop().await
//! }
//!
//! # /*
//! #[test]
//! # */
//! fn zero_is_refused_and_a_check_asked_for() -> Result<()> {
//!     let app = TestApp::<Divide>::start().wait()?;
//!     let error = app.call(Divide::divide, Input { divisor: 0 }).wait().unwrap_err();
//!     assert_eq!(error.status_code(), StatusCode::BAD_REQUEST);
//!     assert_eq!(app.health_checks_requested(), 1);
//!     Ok(())
//! }
//! # fn main() -> Result<()> {
//! #     zero_is_refused_and_a_check_asked_for()?;
//! #     tokio::runtime::Runtime::new()?.block_on(a_thousand_is_divided())
//! # }
//! ```
//!
//! There are two ways to call an endpoint:
//!
//! - [`TestApp::call`] takes the endpoint's function and its input, and returns what the function returns, so that
//!   a wrong type is a compile error. As for a request, it waits for `max_multiplexing`, runs on the same kind of
//!   thread, and a panic is an error. It skips deserialization, validation, extractors and layers.
//! - [`TestApp::post`] sends a request through all of that, and returns the response.
//!
//! With the feature `testing-fleet`, a [`TestFleet`] runs the app under a real host, which checks and replaces it.
//!
//! Operations return a [`Pending`]: `.await` it in an async test, or call [`.wait()`](Pending::wait) in a blocking
//! one. Every [`TestApp`] has its own app and runtime.

mod app;
mod call;
mod client;
mod ending;
#[cfg(feature = "testing-fleet")]
mod fleet;
#[cfg(feature = "testing-fleet")]
mod fleet_client;
#[cfg(feature = "testing-fleet")]
mod fleet_runner;
mod pending;
mod request;
mod response;
mod runtime;

pub use app::TestApp;
pub use call::{Answers, CallThread, EndpointFn};
pub use fal_health::Failure;
#[cfg(feature = "testing-fleet")]
pub use fleet::TestFleet;
pub use pending::Pending;
pub use request::Request;
pub use response::Response;
