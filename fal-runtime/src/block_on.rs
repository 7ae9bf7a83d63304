//! Drives a future on a thread outside of the async runtime.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for a future. Unlike tokio's `block_on`, it lets the future block and drop a `tokio::runtime::Runtime`, as an app may that
/// owns one. I/O and timers need that the thread has entered a runtime.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::runtime::Runtime;

    use super::*;

    #[test]
    fn a_future_may_wait_and_drop_a_runtime() {
        let (own, other) = (Runtime::new().unwrap(), Runtime::new().unwrap());
        let _entered = own.enter();
        let answer = block_on(async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            drop(other);
            7
        });
        assert_eq!(answer, 7);
    }
}
