//! The data plane: client requests over HTTP/1.1, each sent on to a runner that has a free slot.
//!
//! [`Balancer`] knows the runners and who waits for them; the control side tells it which runners there are and hears
//! [`Report`]s from it. [`serve`] takes clients. A request takes its slot by itself, under one short lock: it never
//! waits for the control side, and what that has to know of manual checks is one bit a runner (S31).
//!
//! One request passes through here as follows. [`forward`] edits its headers in place ([`headers`]), takes a slot
//! ([`slot`], or its place in the queue, [`turn`]), and a kept connection or a new one ([`upstream`]). The body is
//! handed on as it comes, in both directions. When the response has ended ([`body`]), connection and slot go back in
//! one step. When the client leaves before that, the connection keeps the slot until the runner has closed it
//! ([`connection`], S38).

mod balancer;
mod body;
mod connection;
mod forward;
mod headers;
mod log_entry;
mod origins;
mod refusal;
mod request_id;
mod runner;
mod server;
mod slot;
mod slots;
#[cfg(test)]
mod tests;
mod timer;
mod turn;
mod upstream;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};

pub(crate) use balancer::Balancer;
pub(crate) use origins::Origins;
pub(crate) use request_id::{NAME as REQUEST_ID, fresh as fresh_request_id};
pub(crate) use server::serve;

use crate::RunnerId;

/// What the data plane holds requests to.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// How many clients may be connected. Further ones wait to be accepted until one leaves.
    pub(crate) clients: usize,
    /// How many requests may wait for a slot.
    pub(crate) queue: usize,
    /// How long a request may wait from its arrival until it is sent.
    pub(crate) queue_timeout: Duration,
    /// How long a request may take from when it is sent until the head of its response, if that is limited.
    pub(crate) request_timeout: Option<Duration>,
    /// How many requests a runner serves at a time: its slots. At least 1 (S38).
    pub(crate) max_multiplexing: u32,
    pub(crate) manual_checks: ManualChecks,
    /// Whose web pages may call the app.
    pub(crate) origins: Origins,
}

/// What becomes of a response that asks for a manual check.
#[derive(Clone, Debug)]
pub(crate) enum ManualChecks {
    /// Its runner is checked. What the health endpoint itself answers asks for nothing (S28).
    Made {
        /// The health endpoint's path.
        health_path: String,
    },
    /// The app declares no health endpoint: nothing, but one warning a runner (S32).
    Ignored,
}

/// How the control side hears of what happened here.
#[derive(Clone, Debug)]
pub(crate) struct Reports {
    /// Notified when [`Balancer::take_asked`] has something new.
    pub(crate) asked: Arc<Notify>,
    pub(crate) events: mpsc::UnboundedSender<Report>,
}

/// What happened to a runner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    /// Its last request has ended since [`Balancer::remove`].
    Drained(RunnerId),
    /// It refused a request's connection and then a fresh one; it is given no more requests (S39).
    Unreachable(RunnerId),
}
