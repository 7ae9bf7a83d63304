//! One endpoint: its row in the table of its app, how its arguments are taken from a request, and how its result
//! becomes a response.
//!
//! Types are erased early. A row holds a plain function that knows the types; whatever happens around its call is
//! compiled once for all endpoints.

mod argument;
mod blocking;
mod body;
mod call;
mod explain;
mod head;
mod health;
mod json;
mod output;
mod request_id;
mod row;
mod schema;
mod serve;

pub use argument::{Argument, HeadArgument, Taken, Taking};
pub use call::{Call, boxed};
pub use head::ResponseHead;
pub use output::{Answer, Failure, Reply, Returns, ReturnsValue};
pub(crate) use request_id::RequestId;
pub use row::Endpoint;
pub(crate) use schema::SchemaOf;
pub(crate) use serve::{Running, Served, method_not_allowed, serve};
