//! One client connection, as its requests see it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use http::Method;

use super::balancer::Balancer;
use super::client::Client;
use super::log_entry::method_of;
use super::refusal_log::{LimitReached, RefusedClient};
use super::request_id::RequestIdField;
use super::tunnel::TunnelSlot;
use super::waiting_response::WaitingResponse;
use crate::RunnerId;

/// One client connection, for all of its requests.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) balancer: Arc<Balancer>,
    pub(super) client: Arc<Client>,
    pub(super) tunnel: TunnelSlot,
    pub(super) waiting: WaitingResponse,
    /// The request whose client was cut off.
    pub(super) cut_off: OnceLock<Box<CutOffRequest>>,
    /// Whether the connection has given its memory back while the client was idle (S43h).
    has_rested: AtomicBool,
}

impl Session {
    pub(super) fn new(balancer: Arc<Balancer>, client: Arc<Client>) -> Arc<Self> {
        let (tunnel, waiting, cut_off, has_rested) = Default::default();
        Arc::new(Self { balancer, client, tunnel, waiting, cut_off, has_rested })
    }

    /// The connection gives its memory back.
    pub(super) fn rest(&self) {
        self.has_rested.store(true, Ordering::Relaxed);
    }

    /// Whether the connection has given its memory back.
    pub(super) fn has_rested(&self) -> bool {
        self.has_rested.load(Ordering::Relaxed)
    }

    /// The client was cut off because it read too little of its response. To be called when its request has ended.
    pub(super) fn log_slow_reader(&self) {
        let limit = if self.client.transfers.were_too_slow() {
            LimitReached::SlowWhileOthersWait
        } else {
            LimitReached::SlowReader { after: self.client.limits.inactivity.1 }
        };
        let known = self.cut_off.get().map(|request| request.named()).unwrap_or_default();
        let refused = RefusedClient { client: self.client.sender.address.to_str().ok(), ..known };
        self.balancer.log_refusal(limit, refused);
    }
}

/// A request whose client the host has cut off.
#[derive(Debug)]
pub(super) struct CutOffRequest {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) id: RequestIdField,
    pub(super) runner: Option<RunnerId>,
}

impl CutOffRequest {
    /// What a warning names of it.
    pub(super) fn named(&self) -> RefusedClient<'_> {
        RefusedClient {
            client: None,
            method: Some(method_of(&self.method)),
            path: Some(&self.path),
            request_id: Some(self.id.as_str()),
            runner: self.runner,
        }
    }
}
