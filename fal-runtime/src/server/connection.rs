//! HTTP connections: one task each, and how they are closed.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::future::RouteFuture;
use http::header::{CONNECTION, HeaderValue};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use pin_project_lite::pin_project;
use tokio::sync::oneshot::error::TryRecvError;
use tokio::sync::{oneshot, watch};
use tower::Service;

use super::body_wakes::ConnectionWaker;
use super::catch_panic::CatchPanicFuture;
use super::closing_socket::ClosingSocket;
use super::concurrency::ConnectionHold;
use super::head_timer::HeadClock;
use super::request_body::UnreadBody;
use super::socket::{Socket, SocketKeeper};
use super::transport_stream::TransportStream;
use crate::endpoint::RequestId;
use crate::normal_path::normal_uri;

/// How long a connection may wait for the head of its next request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadTimeout {
    /// No limit: the peer is a host, which pools idle connections. Closing one could race with its next request.
    Unlimited,
    /// It is closed after this time, so that silent clients do not pile up.
    After(Duration),
}

/// The state that all connections of a server share.
#[derive(Clone)]
pub(super) struct Connections {
    http: http1::Builder,
    /// Where heads have a time limit.
    head_clock: Option<Arc<HeadClock>>,
    router: Router,
    draining: Arc<AtomicBool>,
    closing: watch::Receiver<Closing>,
}

/// Which connections are to be closed. Every connection holds a receiver until it has ended; so the server knows
/// when the last one has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Closing {
    NotYet,
    Idle,
    All,
}

impl Connections {
    pub(super) fn new(
        router: Router,
        timeout: ReadTimeout,
        draining: Arc<AtomicBool>,
        closing: watch::Receiver<Closing>,
    ) -> Self {
        let mut http = http1::Builder::new();
        // For small messages, one plain write is faster than a vectored one.
        http.writev(false);
        let head_clock = match timeout {
            ReadTimeout::Unlimited => {
                http.header_read_timeout(None);
                None
            }
            ReadTimeout::After(timeout) => {
                http.header_read_timeout(timeout);
                Some(HeadClock::start())
            }
        };
        Self { http, head_clock, router, draining, closing }
    }

    /// Serves one connection on its own task.
    pub(super) fn spawn(&self, stream: TransportStream) {
        let (socket, closed) = Socket::new(stream);
        let (keeper, has_asked) = (socket.keeper(), Arc::<AtomicBool>::default());
        let unread = UnreadBody::default();
        let requests = ConnectionService {
            router: self.router.clone(),
            has_asked: Arc::clone(&has_asked),
            hold: ConnectionHold::new(Arc::clone(&keeper)),
            keeper: Arc::clone(&keeper),
            draining: Arc::clone(&self.draining),
            unread: unread.clone(),
        };
        let mut http = self.http.clone();
        if let Some(clock) = &self.head_clock {
            http.timer(clock.timer());
        }
        let connection = http.serve_connection(TokioIo::new(socket), requests).with_upgrades();
        let mut closing = self.closing.clone();
        tokio::spawn(async move {
            let failed = {
                let (mut connection, mut waker) = (pin!(connection), ConnectionWaker::default());
                // Errors are the client's: it disconnected or sent malformed HTTP.
                tokio::select! {
                    biased;
                    ended = poll_fn(|cx| connection.as_mut().poll(&mut waker.context(cx))) => ended.is_err(),
                    () = wait_for(Closing::Idle, &mut closing) => {
                        connection.as_mut().graceful_shutdown();
                        // hyper would wait without limit for the rest of a first request head.
                        if has_asked.load(Ordering::Relaxed) {
                            tokio::select! {
                                biased;
                                ended = poll_fn(|cx| connection.as_mut().poll(&mut waker.context(cx))) => {
                                    ended.is_err()
                                }
                                () = wait_for(Closing::All, &mut closing) => false,
                            }
                        } else {
                            false
                        }
                    }
                }
            };
            // Another protocol is as late as a slow client (S70b). The keeper would keep its socket open.
            let switched = keeper.end_of_switched();
            drop(keeper);
            if let Some(ended) = switched {
                tokio::select! {
                    _ = ended => {}
                    () = wait_for(Closing::All, &mut closing) => {}
                }
            }
            close(closed, failed || unread.is_unread(), closing).await;
        });
    }
}

/// Closes a connection in stages when its last hold is dropped, if its client may still send (S43j).
///
/// A stop waits for a client that has not sent all of its request, since that could not read its response after a reset.
/// It does not wait for others, such as idle ones. `closing` is dropped after all else: when no receiver is left, every
/// router is dropped, too.
async fn close(
    mut closed: oneshot::Receiver<ClosingSocket>,
    still_sends: bool,
    mut closing: watch::Receiver<Closing>,
) {
    match closed.try_recv() {
        Ok(socket) if still_sends || socket.has_received() => {
            // In its own memory: while a connection is served its task does not need it.
            let discard = Box::pin(socket.discard());
            tokio::select! {
                biased;
                () = wait_for(Closing::All, &mut closing) => {}
                () = discard => {}
            }
        }
        Ok(socket) => {
            drop(closing);
            Box::pin(socket.discard()).await;
        }
        Err(TryRecvError::Empty) => {
            // A call still holds the connection. A stop waits for the call itself.
            drop(closing);
            if let Ok(socket) = closed.await {
                Box::pin(socket.discard()).await;
            }
        }
        Err(TryRecvError::Closed) => {}
    }
}

async fn wait_for(which: Closing, closing: &mut watch::Receiver<Closing>) {
    // An error means that the server was dropped without a drain.
    let _ = closing.wait_for(|closing| *closing >= which).await;
}

/// The service of one connection.
struct ConnectionService {
    router: Router,
    /// Whether a whole request head has arrived.
    has_asked: Arc<AtomicBool>,
    hold: ConnectionHold,
    keeper: Arc<SocketKeeper>,
    draining: Arc<AtomicBool>,
    unread: UnreadBody,
}

impl hyper::service::Service<Request<Incoming>> for ConnectionService {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = ConnectionResponse;

    fn call(&self, request: Request<Incoming>) -> ConnectionResponse {
        self.has_asked.store(true, Ordering::Relaxed);
        let mut request = self.unread.track(request);
        // Before routing, so that layers and routes with parameters see the path that it stands for.
        if let Some(uri) = normal_uri(request.uri()) {
            *request.uri_mut() = uri;
        }
        request.extensions_mut().insert(self.hold.clone());
        let id = RequestId::given(request.headers());
        ConnectionResponse {
            response: CatchPanicFuture { id, response: self.router.clone().call(request) },
            keeper: Arc::clone(&self.keeper),
            draining: Arc::clone(&self.draining),
            unread: self.unread.clone(),
        }
    }
}

pin_project! {
    /// The router's response. It closes the connection if the server drains, or if the body of its request has not been
    /// read. A 101 keeps the permit of its call instead.
    struct ConnectionResponse {
        #[pin]
        response: CatchPanicFuture<RouteFuture<Infallible>>,
        keeper: Arc<SocketKeeper>,
        draining: Arc<AtomicBool>,
        unread: UnreadBody,
    }
}

impl Future for ConnectionResponse {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Ok(mut response) = ready!(this.response.poll(cx));
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            this.keeper.switch(response.extensions_mut().remove());
        } else if this.draining.load(Ordering::Relaxed) || this.unread.is_unread() {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Poll::Ready(Ok(response))
    }
}
