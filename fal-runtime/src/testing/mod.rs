//! An app under test: started in the test's own process, called by its own functions, without ports, URLs or JSON.
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
//! - [`TestApp::call`] takes the endpoint's own function and its own input, and gives what the function returns, so that
//!   a wrong type is a compile error. The call is made as a request's is: it waits for its place under
//!   `max_multiplexing`, runs where the runner would run it, and a panic is an error. What only a body and a head have
//!   it does not see: defaults and names of fields, validation, extractors, layers.
//! - [`TestApp::post`] sends a request through all of that, and gives the response that a client would read.
//!
//! Everything that takes time is a [`Pending`], for `.await` in an async test and [`.wait()`](Pending::wait) in a
//! blocking one. Every [`TestApp`] has an app and a runtime of its own: two of them, even of one type, share nothing but
//! the process.

mod app;
mod call;
mod client;
mod ending;
mod pending;
mod request;
mod response;
mod runtime;

pub use app::TestApp;
pub use call::{Answers, CallThread, EndpointFn};
pub use fal_health::Failure;
pub use pending::Pending;
pub use request::Request;
pub use response::Response;
