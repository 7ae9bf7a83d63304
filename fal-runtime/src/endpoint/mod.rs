//! One endpoint: its row in the table of its app, how its arguments are taken from a request, and how it is called.
//!
//! Types are erased early. A row holds a plain function that knows the types; whatever happens around its call is
//! compiled once for all endpoints.

mod argument;
mod argument_info;
mod blocking;
mod body;
mod call;
mod declaration;
mod dispatch;
mod event_stream;
mod health_threads;
mod kept_thread;
mod method;
mod payload;
mod probe;
mod raw_body;
mod request_id;
mod response;
mod rules;
mod service;
#[cfg(feature = "otel")]
mod span;
#[cfg(not(feature = "otel"))]
#[path = "no_span.rs"]
mod span;
#[cfg(feature = "garde")]
mod validated;

pub(crate) use argument::BodyKind;
pub use argument::{Argument, ArgumentSource, HeadArgument};
pub use argument_info::{ArgumentInfo, HeadSource};
pub(crate) use argument_info::{Requiredness, RuleChecker};
pub use call::{BoxedCall, BoxedCallFallback, CallContext};
pub use declaration::Endpoint;
pub(crate) use dispatch::serve;
pub use method::EndpointMethod;
pub(crate) use method::allow;
pub use probe::{Probe, ProbeDefaults, ProbeUnvalidated};
pub(crate) use request_id::RequestId;
pub(crate) use response::method_not_allowed;
pub(crate) use service::{AppState, EndpointService};
