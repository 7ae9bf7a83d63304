//! The contract between a host and its runners: environment variables, control-channel messages, addresses and headers.
//!
//! A host and each of its runners are separate processes, most often of the same program. Everything that they say to
//! each other is defined here, once, and both sides import it. This module parses and prints; the sides do the I/O.
//!
//! # Version
//!
//! [`VERSION`] numbers this contract. It rises with every change that one side alone would misunderstand.
//!
//! A host names its version in `FAL_RUNNER_PROTOCOL`. A runner compares it with its own before it reads anything else.
//! Where they differ, the runner reports a failed setup, prints the same error, and exits with code 1. So both logs
//! say "this runner speaks protocol 2, its host 1", and what to do ([`AssignmentError::Protocol`]).
//!
//! A runner that does not look at `FAL_RUNNER_PROTOCOL` may say its version when it is ready. The host ends it if that
//! differs ([S77](crate::semantics#s77)).
//!
//! For that to work, some of the contract keeps its form in every version: `FAL_RUNNER_PROTOCOL`,
//! `FAL_RUNNER_HOST_PID`, the control channel on standard input, and the message `failed`.
//!
//! # Environment variables
//!
//! The host sets them when it starts a runner. [`Assignment`] prints and parses them; [`variable`] has their names.
//!
//! | variable | required | meaning |
//! |---|---|---|
//! | `FAL_RUNNER_PROTOCOL` | yes | the host's [`VERSION`] |
//! | `FAL_RUNNER_HOST_PID` | yes | the process id of the host, which must be the runner's parent. Child processes of a runner inherit these variables; since their parent is another process, they are not runners |
//! | `FAL_RUNNER_LISTEN` | yes | the [address](#addresses) where the runner listens for requests |
//! | `FAL_RUNNER_HEALTH_LISTEN` | no | the address where the runner answers health checks; without it, it answers them where it listens for requests |
//! | `FAL_RUNNER_ID` | no | the host's number for this runner, for the runner's own logs |
//! | `FAL_RUNNER_INDEX` | no | the index of the replica that the runner is, from 0 ([S47](crate::semantics#s47)) |
//! | `FAL_RUNNER_GRACE_MS` | no | the grace period: the time from SIGTERM to SIGKILL, in milliseconds; without it, the app's own setting holds |
//! | `FAL_RUNNER_APP` | no | the name of the app to run, for a program that has several |
//!
//! # Control channel
//!
//! The runner's standard input is its end of a Unix stream socket pair. The runner sends [`Message`]s over it, each as
//! one line of JSON of at most [`MAX_LINE_LEN`] bytes. The host skips lines that it does not understand.
//!
//! | message | meaning |
//! |---|---|
//! | `{"ready":{"protocol":1}}` | the runner listens at its address and serves requests. Counts once. `protocol`, the runner's [`VERSION`], may be absent |
//! | `{"progress":{"fraction":0.4,"message":"loading weights"}}` | `setup` is at this point ([`Progress`]) |
//! | `{"metrics":{"name":"tokens","help":"…","kind":"counter","series":[…]}}` | a metric that the runner counts has these values now ([`MetricFamily`](crate::metrics::MetricFamily)). Sent when they have changed, at most once a second |
//! | `{"failed":{"error":"…"}}` | the runner will exit before it is ready, for this reason. Counts once |
//!
//! The host sends nothing. When the channel closes, the host has ended, and the runner kills its own process group: no
//! runner outlives its host ([S41f](crate::semantics#s41f)).
//!
//! # Addresses
//!
//! An address is `unix:PATH` or `tcp:HOST:PORT`. There are two types because the two sides differ on purpose:
//!
//! - A runner listens on a [`ListenAddress`], whose host is an IP address or a name. The runner looks a name up once,
//!   when it binds.
//! - A host connects to an [`Address`], whose host is an IP address. A name lookup may block, may take longer than the
//!   timeout of a health check, and may give another result each time.
//!
//! # Headers
//!
//! [`header`] has the names.
//!
//! | header | on | meaning |
//! |---|---|---|
//! | `x-fal-runner-health-check` | a response | asks the host to check the runner ([S27](crate::semantics#s27); [`header::is_asked`]) |
//! | `x-fal-runner-health-check` | a health check | `true`: a response asked for this check ([S16](crate::semantics#s16)) |
//! | `x-fal-stop-runner` | a response | tells the host that the runner cannot go on, and to replace it ([S58](crate::semantics#s58); [`header::is_asked`]) |
//! | `x-fal-request-id` | every request and response | names the request in all logs ([`request_id`]) |
//! | `traceparent` | a request | the trace that it belongs to, passed on as it is ([`trace_id`]) |
//! | `x-fal-runner-progress` | the response to a health check | the progress of the runner's requests ([`ProgressStamp`]) |
//!
//! # Errors of the host
//!
//! [`HostErrorType`] has the types of the errors that a host answers requests with. Its runners list them in their
//! OpenAPI documents.
//!
//! # Signals
//!
//! SIGTERM tells a runner to stop ([S42](crate::semantics#s42)). SIGKILL to its process group follows after the grace
//! period ([S33c](crate::semantics#s33c)).

mod address;
mod assignment;
pub mod header;
mod host_error;
mod message;
pub mod request_id;
mod stamp;
mod trace_context;
pub mod variable;

pub use address::{Address, AddressError, ListenAddress};
pub use assignment::{Assignment, AssignmentError};
pub use host_error::HostErrorType;
pub use message::{MAX_LINE_LEN, Message, MessageError, Progress};
pub use stamp::ProgressStamp;
pub use trace_context::{TRACEPARENT, trace_id};

/// The version of this contract.
pub const VERSION: u32 = 1;
