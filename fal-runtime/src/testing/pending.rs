//! A future that tests await or block on.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use futures_util::future::BoxFuture;

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

/// Blocks on a future. Unlike tokio's `block_on`, it works on a thread of a runtime, so that dropping an app in an
/// async test tears it down.
pub(super) fn block_on<T>(mut future: BoxFuture<'_, T>) -> T {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(done) => return done,
            Poll::Pending => thread::park(),
        }
    }
}
