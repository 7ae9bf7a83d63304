//! What an app declares, for programs that read it.
//!
//! [`App::declaration`](crate::App::declaration) has the declaration of one app, [`Declaration::all`] those of all apps
//! that are linked into the program. They have the settings, the endpoints and the OpenAPI document.
//!
//! ```
//! use fal_runtime::declaration::Declaration;
//! use fal_runtime::prelude::*;
//!
//! #[derive(Default)]
//! struct Greeter;
//!
//! #[app(name = "greeter")]
//! impl Greeter {
//!     #[endpoint("/greet")]
//!     async fn greet(&self) -> &'static str {
//!         "hello"
//!     }
//! }
//!
//! # fn main() {
//! let app: &Declaration = Greeter::declaration();
//! assert_eq!(app.settings.name(), "greeter");
//! assert_eq!(app.endpoints()[0].path(), "/greet");
//! assert!(app.openapi()["paths"]["/greet"].is_object());
//! # }
//! ```

pub use crate::app::{AppOptions, Declaration, Settings};
pub use crate::endpoint::Endpoint;
pub use crate::error::DeclaredFailure;
