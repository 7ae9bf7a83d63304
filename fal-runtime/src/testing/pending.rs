//! A future that tests await or block on.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use futures_util::future::BoxFuture;

/// Something that an app under test does. A call begins at once, and is cancelled when this is dropped, as a client
/// cancels a request by going away.
#[must_use = "dropping it cancels what it stands for"]
pub struct Pending<'a, T>(BoxFuture<'a, T>);

impl<'a, T> Pending<'a, T> {
    pub(super) fn new(future: impl Future<Output = T> + Send + 'a) -> Self {
        Self(Box::pin(future))
    }

    /// Blocks until it is done: for tests that are not async.
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

/// Drives a future that is woken from elsewhere. Unlike a runtime's own it may be called on any thread, so that an app
/// that is dropped in an async test is torn down all the same.
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
