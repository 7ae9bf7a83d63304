//! The data plane: forwards HTTP/1.1 requests of clients, each to a runner with a free permit.
//!
//! [`Balancer`] knows the runners and the requests that wait for them. The control side adds and removes runners and
//! receives [`Report`]s. [`serve`] accepts clients. A request acquires its permit under one short lock: it never waits
//! for the control side.
//!
//! The path of one request: [`forward`] edits its head in place ([`request_head`]), acquires a permit ([`permit`]) or a
//! position in the queue ([`queue`]), and takes an idle connection or opens one ([`upstream`]). Bodies are passed on as
//! they arrive, in both directions. When the response has ended ([`body`]), the connection returns to the pool and the
//! permit is released ([`exchange`]). When the client leaves before that, the connection keeps the permit until the
//! runner has closed it ([`connection`], S38).

mod balancer;
mod body;
mod client;
mod client_stream;
mod departure;
mod error;
mod exchange;
mod forward;
mod forwarded;
mod hop_by_hop;
mod limits;
mod log_entry;
mod meter;
mod origins;
mod permit;
mod permits;
mod queue;
mod report;
mod request_body;
mod request_head;
mod request_id;
mod respond;
mod response_head;
mod route;
mod runner;
mod server;
mod target;
#[cfg(test)]
mod tests;
mod timer;
mod tunnel;
mod upstream;

pub(crate) use balancer::Balancer;
pub use forwarded::{AddressRange, ParseAddressRangeError};
pub(crate) use limits::{CLIENT_TIMEOUT, Limits, MAX_HEAD, ManualChecks};
pub(crate) use origins::Origins;
pub(crate) use report::{Report, Reports};
pub(crate) use request_id::{NAME as REQUEST_ID, new as new_request_id};
pub(crate) use server::serve;
