//! The data plane: forwards requests of clients, each to a runner with a free permit.
//!
//! [`Balancer`] knows the runners and the requests that wait for them. The control side adds and removes runners and
//! receives [`Report`]s. [`serve`] accepts clients. A request acquires its permit under one short lock: it never waits
//! for the control side.
//!
//! The path of one request: [`server`] accepts its client ([`client`], [`client_stream`]), maybe with TLS ([`client_io`],
//! [`tls`]) or with HTTP/2 (`http2`). [`forward`] edits its head in
//! place ([`request_head`]). [`route`] acquires a permit ([`permit`]) or a position in the queue ([`queue`]), and takes an
//! idle connection to the runner or opens one ([`upstream`]). [`respond`] edits the head of the response
//! ([`response_head`]). Bodies are passed on as they arrive, in both directions ([`request_body`], [`body`]), the parts of a
//! response that arrive with pauses past hyper ([`waiting_response`], [`relay`]). The writes of small messages are deferred until the
//! other ready tasks have run ([`writer`], [`deferred_response`]).
//!
//! What is measured of a request is in its [`request_record`], which ends with its response. So do its spans
//! ([`request_trace`]).
//!
//! An exchange ([`exchange`]) is a connection to a runner together with a permit. It is in one of these states:
//!
//! | state | ends with |
//! |---|---|
//! | the head of the response is awaited | the head, a loss, `request_timeout`, or the client's departure ([`departure`]) |
//! | the response is passed on | its end: the connection returns to the pool, the permit is released |
//! | abandoned: the client has left, or the response is lost | the runner closes the connection, or has sent too much or for too long (S43c) |
//! | switched: the connection is a tunnel ([`tunnel`]) | either side closes it |
//!
//! A client is served by one of the threads that the program has for that ([`client_threads`]), and so are its exchanges.
//!
//! One task polls the client's connection, the exchange and its connection to the runner. So they share state in atomics and in
//! mutexes that are never contended, and each sees in the same poll what another has changed. The writer is another task on the
//! same thread. The time limits of the client ([`timer`], [`meter`]) are kept where its bytes are read and written.

mod abandoned;
mod access_log;
mod arriving;
mod balancer;
mod body;
mod body_wakes;
mod client;
mod client_address;
mod client_io;
mod client_limits;
mod client_socket;
mod client_stream;
mod client_threads;
mod contention;
mod cut_off;
mod deferred_response;
mod departure;
mod download;
mod error;
mod exchange;
mod field_names;
mod forward;
mod forwarded;
mod head_copy;
mod health_path;
mod holders;
mod hop_by_hop;
mod http1;
#[cfg(feature = "http2")]
mod http2;
mod interim;
mod limits;
mod log_entry;
mod loss;
mod lost_requests;
mod meter;
mod on_overdue;
mod origins;
mod permit;
mod permits;
mod protocol;
mod queue;
mod queued;
mod refusal;
mod refusal_counts;
mod refusal_log;
mod relay;
mod report;
mod request_body;
mod request_head;
mod request_id;
mod request_record;
#[cfg(feature = "otel")]
mod request_trace;
#[cfg(not(feature = "otel"))]
#[path = "no_request_trace.rs"]
mod request_trace;
mod respond;
mod response_head;
mod retries;
mod route;
mod runner;
mod runner_body;
mod runner_end;
mod send_queue;
mod server;
mod session;
mod stopping;
mod switched_stream;
mod target;
mod target_encoder;
#[cfg(test)]
mod tests;
mod thread;
mod timer;
#[cfg(feature = "tls")]
mod tls;
#[cfg(not(feature = "tls"))]
#[path = "no_tls.rs"]
mod tls;
mod tunnel;
mod upstream;
mod uptake;
mod wait_cause;
mod waiting_response;
mod writer;

pub(crate) use balancer::Balancer;
pub use forwarded::{AddressRange, ParseAddressRangeError};
pub(crate) use health_path::HealthPath;
pub(crate) use limits::{CLIENT_TIMEOUT, Limits, MAX_HEAD, ManualChecks};
pub(crate) use lost_requests::LostRequests;
pub(crate) use origins::Origins;
pub(crate) use refusal_counts::{RecentRefusals, RefusalTotals};
pub(crate) use report::{Report, Reports};
pub(crate) use request_trace::RequestTracer;
pub(crate) use retries::Retries;
pub(crate) use server::serve;
#[cfg(feature = "tls")]
pub use tls::TlsError;
#[cfg(feature = "tls")]
pub(crate) use tls::{Tls, TlsFiles};
pub(crate) use upstream::{ResponseReader, UpstreamError, is_interim};
pub(crate) use wait_cause::AwaitedRunner;
