//! One endpoint: its row in the table of its app, how its arguments are taken from a request, and how its result
//! becomes a response.
//!
//! Types are erased early. A row holds a plain function that knows the types; whatever happens around its call is
//! compiled once for all endpoints.

mod answer;
mod argument;
mod binary;
mod blocking;
mod body;
mod call;
mod events;
mod explain;
mod file;
mod head;
mod health;
mod json;
mod known;
mod mistake;
mod output;
mod redirect;
mod rejection;
mod request_id;
mod row;
mod schema;
mod serve;
mod stream;
#[cfg(feature = "garde")]
mod validate;

pub use answer::{Answer, Content, Reply};
pub use argument::{Argument, HeadArgument, Taken, Taking};
pub use binary::Binary;
pub use call::{Boxed, Call, Unshared};
pub use events::{Event, Events, Stream};
pub use file::File;
pub use head::{Lent, ResponseHead, lent};
pub(crate) use json::{Fault, Mistake};
pub(crate) use known::RulesOf;
pub use known::{Given, Known, Source, Unknown, Unruled};
pub use output::{Failure, NoAnswer, Returns, ReturnsValue};
pub use redirect::Redirect;
pub(crate) use request_id::RequestId;
pub use row::Endpoint;
pub(crate) use schema::SchemaOf;
pub(crate) use serve::{Running, Served, method_not_allowed, serve};
