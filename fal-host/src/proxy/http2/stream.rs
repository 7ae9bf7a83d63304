//! One stream: a request with its response.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use hyper::rt::Executor;

use crate::proxy::contention::Contention;
use crate::proxy::session::Session;
use crate::proxy::timer::Wait;

/// What hyper does for one stream, until its response has ended or its client has reset it.
pub(super) struct RequestStream {
    pub(super) session: Arc<Session>,
    pub(super) contention: Contention,
    /// `None` once it has ended.
    work: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Future for RequestStream {
    type Output = ();

    /// Ends, too, when the client does not take its response. Dropping the work then resets the stream.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(work) = &mut self.work else { return Poll::Ready(()) };
        ready!(match work.as_mut().poll(cx) {
            Poll::Pending => self.session.client.timer.poll(Wait::Download, cx),
            Poll::Ready(()) => return Poll::Ready(()),
        });
        self.session.client.cut_off.stall();
        // The end of the request says which one it was.
        self.work = None;
        self.session.log_slow_reader();
        Poll::Ready(())
    }
}

impl fmt::Debug for RequestStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestStream").field("session", &self.session).finish_non_exhaustive()
    }
}

/// Where hyper puts new streams, for the connection to poll them.
#[derive(Clone, Debug, Default)]
pub(super) struct StreamSpawner(Arc<Mutex<NewStreams>>);

#[derive(Debug, Default)]
struct NewStreams {
    /// The state of the stream that hyper spawns next.
    announced: Option<Arc<Session>>,
    streams: Vec<RequestStream>,
}

impl StreamSpawner {
    /// Names the state of the stream that hyper spawns next: it calls the service for a request, and then spawns.
    pub(super) fn announce(&self, session: Arc<Session>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).announced = Some(session);
    }

    /// Takes the streams that are new.
    pub(super) fn take(&self) -> Vec<RequestStream> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).streams)
    }
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for StreamSpawner {
    fn execute(&self, work: F) {
        let mut spawned = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // hyper spawns nothing else: CONNECT, which would have a task of its own, is refused.
        if let Some(session) = spawned.announced.take() {
            spawned.streams.push(RequestStream {
                session,
                contention: Contention::default(),
                work: Some(Box::pin(work)),
            });
        }
    }
}
