//! Answers that are no JSON.
//!
//! A plain value that an endpoint returns is sent as JSON. One of these types is sent as what it is, and the OpenAPI
//! document says so; a [`Response`] of axum's is sent as it is, and the document says nothing of it. What the endpoint
//! sets on its [`ResponseHead`](crate::ResponseHead) holds for them, too. Answers that come bit by bit are
//! [`Events`](crate::Events).

mod binary;
pub(crate) mod events;
mod file;
pub(crate) mod head;
mod redirect;
pub(crate) mod reply;
pub(crate) mod returns;

pub use axum::response::Response;
pub use binary::Binary;
pub(crate) use events::{Event, EventMessage, EventStream, Events, Sender, frame};
pub use file::File;
pub(crate) use head::ResponseHead;
pub use redirect::Redirect;
pub(crate) use reply::{Answer, Content, Reply};
