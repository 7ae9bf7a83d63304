//! Keeps hyper from waking a connection when nothing is left for it to do. The file of fal-runtime is a link to the one of fal-host.
//!
//! hyper registers the waker of a connection before it passes on a part of a request's body, and wakes it when that part is
//! taken. If it was the last part, the task of the connection would run once more for nothing, in each request with a body.
//! So hyper gets a waker that can be held back.

use std::cell::Cell;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use http_body::{Body, Frame};
use hyper::body::Incoming;

thread_local! {
    /// Whether wakes of connections are held back on this thread.
    static HOLDS_BACK: Cell<bool> = const { Cell::new(false) };
    /// The wake that was held back.
    static HELD_BACK: Cell<Option<Waker>> = const { Cell::new(None) };
}

/// The waker of a connection's task, which wakes it unless that is held back on the thread that wakes.
struct BodyWaker {
    task: Waker,
    has_woken: Arc<AtomicBool>,
}

impl Wake for BodyWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if HOLDS_BACK.get() {
            HELD_BACK.set(Some(Waker::from(Arc::clone(self))));
        } else {
            self.has_woken.store(true, Ordering::Release);
            self.task.wake_by_ref();
        }
    }
}

/// The waker of one connection.
#[derive(Debug, Default)]
pub(super) struct ConnectionWaker {
    wakers: Option<Wakers>,
    /// Whether it has woken the task. The task may clear this before it polls hyper's connection.
    pub(super) has_woken: Arc<AtomicBool>,
}

#[derive(Debug)]
struct Wakers {
    task: Waker,
    hyper: Waker,
}

impl ConnectionWaker {
    /// The context in which hyper's connection is polled.
    pub(super) fn context(&mut self, cx: &Context<'_>) -> Context<'_> {
        self.wakers.take_if(|wakers| !wakers.task.will_wake(cx.waker()));
        let wakers = self.wakers.get_or_insert_with(|| {
            let task = cx.waker().clone();
            let waker = BodyWaker { task: task.clone(), has_woken: Arc::clone(&self.has_woken) };
            Wakers { hyper: Waker::from(Arc::new(waker)), task }
        });
        Context::from_waker(&wakers.hyper)
    }
}

/// Takes the next part of a request's body. Wakes hyper only if more of it follows.
pub(super) fn poll_part(
    body: &mut Incoming,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
    let part = {
        let _holding = HoldBack::begin();
        Pin::new(&mut *body).poll_frame(cx)
    };
    if let Some(connection) = HELD_BACK.take()
        && !body.is_end_stream()
    {
        connection.wake();
    }
    part
}

/// Holds wakes on this thread back until it is dropped.
struct HoldBack;

impl HoldBack {
    fn begin() -> Self {
        HOLDS_BACK.set(true);
        Self
    }
}

impl Drop for HoldBack {
    fn drop(&mut self) {
        HOLDS_BACK.set(false);
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::pin;
    use std::sync::atomic::AtomicU32;

    use futures_util::FutureExt;
    use http::{Request, Response};
    use http_body_util::Empty;
    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use hyper_util::rt::TokioIo;
    use tokio::io::AsyncWriteExt;

    use super::*;

    #[derive(Debug, Default)]
    struct Wakeups(AtomicU32);

    impl Wake for Wakeups {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Serves a request of which this has arrived. Returns how often its connection has woken its task.
    fn wakeups(arrived: &str) -> u32 {
        async fn read(mut request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, Infallible> {
            // As another task would read it.
            let mut reader = Context::from_waker(Waker::noop());
            while let Poll::Ready(Some(_)) = poll_part(request.body_mut(), &mut reader) {}
            std::future::pending().await
        }
        let (mut client, server) = tokio::io::duplex(1024);
        client.write_all(arrived.as_bytes()).now_or_never().unwrap().unwrap();
        let mut connection =
            pin!(http1::Builder::new().serve_connection(TokioIo::new(server), service_fn(read)));
        let wakeups = Arc::<Wakeups>::default();
        let (task, mut waker) = (Waker::from(Arc::clone(&wakeups)), ConnectionWaker::default());
        let polled = connection.as_mut().poll(&mut waker.context(&Context::from_waker(&task)));
        assert!(polled.is_pending());
        wakeups.0.load(Ordering::Relaxed)
    }

    const HEAD: &str = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n";

    #[test]
    fn the_last_part_of_a_body_wakes_nothing() {
        assert_eq!(wakeups(&format!("{HEAD}helloworld")), 0);
    }

    #[test]
    fn a_part_that_others_follow_wakes_the_connection() {
        assert_eq!(wakeups(&format!("{HEAD}hello")), 1);
    }

    #[test]
    fn wakes_pass_after_a_panic() {
        let outcome = std::panic::catch_unwind(|| {
            let _holding = HoldBack::begin();
            panic!("while a part is taken");
        });
        assert!(outcome.is_err());
        assert!(!HOLDS_BACK.get());
    }
}
