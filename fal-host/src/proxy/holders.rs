//! Which requests hold the permits of a runner, and since when.

use std::fmt;
use std::sync::Weak;

use http::Method;
use http::uri::PathAndQuery;
use tokio::time::Instant;

use super::client::Client;
use super::log_entry::{cut, method_of};
use super::request_id::RequestIdField;
use crate::check_requester::AskingRequest;
use crate::metrics::EndpointIndex;
use crate::request_info::{ClientWait, RequestInfo};

/// The requests that hold permits of one runner.
#[derive(Debug, Default)]
pub(super) struct Holders {
    next: u64,
    holders: Vec<(HolderId, Holder)>,
}

/// Names one of the [`Holders`] of a runner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HolderId(u64);

/// A request that holds a permit.
#[derive(Clone, Debug)]
pub(super) struct Holder {
    pub(super) method: Method,
    pub(super) target: Option<PathAndQuery>,
    pub(super) request_id: RequestIdField,
    pub(super) endpoint: EndpointIndex,
    pub(super) since: Instant,
    /// Weak, since its connection closes with it, and the permit may be held for longer.
    pub(super) client: Weak<Client>,
    /// Whether its response has begun.
    pub(super) response_begun: bool,
}

impl Holder {
    /// Its path without the query, at most 256 bytes of it.
    pub(super) fn path(&self) -> &str {
        self.target.as_ref().map_or("*", |target| cut(target.path()))
    }

    /// Whether only its runner keeps it from going on.
    pub(super) fn may_hang(&self) -> bool {
        !self.response_begun && self.client_wait().is_none()
    }

    fn client_wait(&self) -> Option<ClientWait> {
        self.client.upgrade()?.awaited_transfer()
    }

    pub(super) fn info(&self) -> RequestInfo {
        RequestInfo {
            method: method_of(&self.method).to_owned(),
            path: self.path().to_owned(),
            request_id: self.request_id.to_string(),
            in_flight: self.since.elapsed(),
            response_begun: self.response_begun,
            client_wait: self.client_wait(),
        }
    }

    /// The request, as what has asked for a check.
    pub(super) fn asking(&self) -> AskingRequest {
        let client = self.client.upgrade();
        AskingRequest {
            method: method_of(&self.method).to_owned(),
            path: self.path().to_owned(),
            request_id: self.request_id.to_string(),
            client: client.and_then(|client| client.sender.address.to_str().ok().map(str::to_owned)),
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} with the id {}", method_of(&self.method), self.path(), self.request_id)
    }
}

impl Holders {
    pub(super) fn insert(&mut self, holder: Holder) -> HolderId {
        let id = HolderId(self.next);
        self.next += 1;
        self.holders.push((id, holder));
        id
    }

    pub(super) fn remove(&mut self, id: HolderId) {
        if let Some(index) = self.holders.iter().position(|(other, _)| *other == id) {
            self.holders.swap_remove(index);
        }
    }

    /// The response to this one begins.
    pub(super) fn respond(&mut self, id: HolderId) {
        if let Some((_, holder)) = self.holders.iter_mut().find(|(other, _)| *other == id) {
            holder.response_begun = true;
        }
    }

    /// This one, if it still holds its permit.
    pub(super) fn get(&self, id: HolderId) -> Option<Holder> {
        self.holders.iter().find(|(other, _)| *other == id).map(|(_, holder)| holder.clone())
    }

    pub(super) fn count(&self) -> usize {
        self.holders.len()
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<Holder> {
        self.holders.iter().map(|(_, holder)| holder.clone()).collect()
    }

    /// The one that holds its permit for the longest time.
    pub(super) fn oldest(&self) -> Option<Holder> {
        self.holders.iter().map(|(_, holder)| holder).min_by_key(|holder| holder.since).cloned()
    }
}
