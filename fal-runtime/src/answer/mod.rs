//! Answers other than JSON.
//!
//! An endpoint's return value is sent as JSON, unless its type is one of these: [`Binary`], [`File`] and
//! [`Redirect`], which the OpenAPI document describes, or axum's [`Response`], which it does not. The status and
//! headers of the [`ResponseHead`] apply to them, too. For a stream of server-sent events, see
//! [`Events`].

mod binary;
mod by_request;
mod conditional;
pub(crate) mod events;
mod file;
mod file_body;
pub(crate) mod head;
mod redirect;
pub(crate) mod reply;
pub(crate) mod returns;
mod server_event;

pub use axum::response::Response;
pub use binary::Binary;
pub(crate) use events::{Event, EventMessage, EventStream, Events, Sender};
pub use file::File;
pub(crate) use head::ResponseHead;
pub use redirect::Redirect;
pub(crate) use reply::{Answer, Content, Reply};
pub use server_event::ServerEvent;
pub(crate) use server_event::frame;
