//! The requests that wait: how they enter and leave the queue, and get a permit.

use std::collections::BTreeMap;

use tokio::time::Instant;

#[cfg(test)]
use super::Priority;
use super::entry::Service;
use super::{Arrival, Grant, PermitTable};
use crate::proxy::client_address::ClientAddress;

impl<R: Clone, W> PermitTable<R, W> {
    /// How many requests wait.
    pub(in crate::proxy) fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// The requests that wait.
    pub(in crate::proxy) fn waiters(&self) -> impl Iterator<Item = &W> {
        self.queue.waiters()
    }

    /// How many requests wait with a priority.
    #[cfg(test)]
    pub(in crate::proxy) fn waiting_with(&self, priority: Priority) -> usize {
        self.queue.len_with(priority)
    }

    /// Puts a request into the queue.
    pub(in crate::proxy) fn enqueue(&mut self, arrival: Arrival, waiter: W) {
        self.queue.insert(arrival, waiter);
    }

    /// Removes a request from the queue.
    pub(in crate::proxy) fn cancel(&mut self, arrival: Arrival) -> Option<W> {
        self.queue.remove(arrival)
    }

    /// Removes a request that gives way to a new one in a full queue, if one does (S38j, S56c).
    pub(in crate::proxy) fn make_room(&mut self, newcomer: Arrival) -> Option<W> {
        self.queue.make_room(newcomer)
    }

    /// Empties the queue and returns it.
    pub(in crate::proxy) fn cancel_all(&mut self) -> BTreeMap<Arrival, W> {
        self.queue.take()
    }

    /// Takes a permit for the request that is next, if one waits and a permit is free. Reads the clock only then.
    pub(in crate::proxy) fn next_grant(&mut self, now: impl FnOnce() -> Instant) -> Option<Grant<R, W>> {
        if self.queue.is_empty() || self.free.is_empty() || self.paused.is_some() {
            return None;
        }
        let waiter = self.queue.pop(now())?;
        let route = self.take_free()?;
        Some(Grant { waiter, route })
    }

    /// A request of this client has held its permit since then. Its client is charged for that if requests wait (S38h).
    pub(in crate::proxy) fn charge(
        &mut self,
        client: ClientAddress,
        since: Instant,
        now: impl FnOnce() -> Instant,
    ) {
        if self.queue.is_empty() {
            return;
        }
        let in_service = self.runners.values().filter(|entry| entry.service == Service::In).count();
        let permits = self.each.saturating_mul(u32::try_from(in_service).unwrap_or(u32::MAX));
        let now = now();
        self.queue.charge(client, now.saturating_duration_since(since), permits, now);
    }
}
