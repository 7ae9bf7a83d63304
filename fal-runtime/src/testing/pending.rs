//! A future that tests await or block on.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;

use crate::block_on::block_on;

/// An operation of an app under test. It starts at once. Dropping it cancels it, as a client cancels a request by
/// disconnecting.
#[must_use = "dropping it cancels the operation"]
pub struct Pending<'a, T>(BoxFuture<'a, T>);

impl<'a, T> Pending<'a, T> {
    pub(super) fn new(future: impl Future<Output = T> + Send + 'a) -> Self {
        Self(Box::pin(future))
    }

    /// Blocks until it is done, for tests that are not async.
    pub fn wait(self) -> T {
        block_on(self.0)
    }
}

impl<T> Future for Pending<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        self.0.as_mut().poll(context)
    }
}

impl<T> fmt::Debug for Pending<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pending")
    }
}
