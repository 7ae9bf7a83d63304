//! A connection of HTTP/1.1: serves its requests, one after another, and gives its memory back while the client is idle.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use bytes::Bytes;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use tokio::sync::oneshot;

use super::balancer::Balancer;
use super::body_wakes::ConnectionWaker;
use super::client::Client;
use super::client_io::ClientIo;
use super::client_stream::{ClientStream, End};
use super::departure::{REPORTS_CLOSED_SIDES, reset};
use super::forward::forward;
use super::refusal::refuse;
use super::session::Session;
use super::stopping::{MakeRoom, close_or_make_room, must_end};
use super::switched_stream::SwitchedStream;

/// What hyper needs at least to read a head, in bytes.
const MIN_HEAD: usize = 8 * 1024;

/// Serves the requests of a connection until the client closes it, is idle for too long, or breaks a limit.
pub(super) async fn serve(
    balancer: Arc<Balancer>,
    client: Arc<Client>,
    io: ClientIo,
    mut stopped: oneshot::Receiver<MakeRoom>,
) {
    let linger = balancer.limits().linger;
    let session = Session::new(balancer, Arc::clone(&client));
    let mut stream = ClientStream::new(Arc::clone(&client), io);
    let mut waker = ConnectionWaker::default();
    let has_woken = Arc::clone(&waker.has_woken);
    let served = loop {
        let state = {
            let mut serving = Box::pin(serve_until_rest(&session, stream, &mut waker, &mut stopped));
            poll_fn(|cx| {
                if session.waiting.poll_relay(&client, cx).is_pending() && !has_woken.load(Ordering::Acquire)
                {
                    return Poll::Pending;
                }
                serving.as_mut().poll(cx)
            })
            .await
        };
        match state {
            None => return,
            Some(ConnectionState::Ended(served)) => break served,
            Some(ConnectionState::Idle(idle)) => stream = idle,
        }
        tokio::select! {
            biased;
            () = poll_fn(|cx| client.poll_rest(cx)) => {}
            () = must_end(&client, &mut stopped, linger) => {
                let unread = stream.unused(Bytes::new());
                break Served { ended: Ok(()), stream, unread };
            }
        }
    };
    finish(&session, served, stopped).await;
}

/// Why hyper does not work on a connection any more.
#[derive(Debug)]
enum ConnectionState {
    /// The client has been idle for so long that its connection keeps no buffers.
    Idle(ClientStream),
    Ended(Served),
}

/// A connection after its last request.
#[derive(Debug)]
struct Served {
    ended: hyper::Result<()>,
    stream: ClientStream,
    /// What the client has sent and hyper has not used.
    unread: Bytes,
}

/// Serves requests until the client rests or the connection ends. `None`: it is to be closed at once.
///
/// hyper keeps its buffers, which have grown with the largest response and request, as long as its connection exists.
async fn serve_until_rest(
    session: &Arc<Session>,
    stream: ClientStream,
    waker: &mut ConnectionWaker,
    stopped: &mut oneshot::Receiver<MakeRoom>,
) -> Option<ConnectionState> {
    let client = &session.client;
    let (max_head, linger) =
        (session.balancer.limits().max_head.max(MIN_HEAD), session.balancer.limits().linger);
    let has_request = AtomicBool::new(false);
    let service = service_fn(|request| {
        has_request.store(true, Ordering::Relaxed);
        forward(session, request)
    });
    let mut connection = Builder::new()
        .half_close(REPORTS_CLOSED_SIDES)
        .writev(false)
        // The buffer bounds a head that has no end, and the other one a head that fits by chance.
        .max_buf_size(max_head)
        .max_header_size(max_head)
        .serve_connection(stream, service);
    let working = poll_fn(|cx| {
        // Only a response that is passed on past hyper asks for this. Another request saves the atomic exchange.
        if session.waiting.is_there() {
            waker.has_woken.swap(false, Ordering::AcqRel);
        }
        match client.poll(&mut connection, &mut waker.context(cx)) {
            Poll::Ready(ended) => Poll::Ready(Some(ended)),
            Poll::Pending if client.begins_rest() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    });
    // The error of a client's connection is of no use to the host. A request that has arrived is read before `stopped`.
    let ended = tokio::select! {
        biased;
        ended = working => ended,
        () = must_end(client, stopped, linger) => {
            Pin::new(&mut connection).graceful_shutdown();
            // hyper would wait without limit for the rest of a first head that has begun to arrive.
            if has_request.load(Ordering::Relaxed) {
                Some(poll_fn(|cx| client.poll(&mut connection, cx)).await)
            } else if session.has_rested() {
                Some(Ok(()))
            } else {
                return None;
            }
        }
    };
    let parts = connection.into_parts();
    let (mut stream, unread) = (parts.io, parts.read_buf);
    if let Some(ended) = ended {
        return Some(ConnectionState::Ended(Served { ended, stream, unread }));
    }
    session.rest();
    client.deferred.release_memory();
    stream.put_back(&unread);
    Some(ConnectionState::Idle(stream))
}

/// Tunnels a connection that has switched protocols, or answers what could not be read as a request. Then closes it.
async fn finish(session: &Session, served: Served, mut stopped: oneshot::Receiver<MakeRoom>) {
    let Served { ended, mut stream, unread } = served;
    let client = &session.client;
    let is_written = stream.write_deferred().await;
    if let Some(tunnel) = session.tunnel.take().filter(|_| is_written) {
        client.begin_tunnel();
        let unused = stream.unused(unread);
        tunnel.run(client, SwitchedStream::new(client, stream.into_io()), unused).await;
        client.end_request();
    } else {
        let has_begun = !unread.is_empty();
        let max_head = session.balancer.limits().max_head.max(MIN_HEAD);
        refuse(&mut stream, &ended, has_begun, max_head, &session.balancer).await;
        match stream.end() {
            Some(End::Stalled) => {
                session.log_slow_reader();
                return reset(client.stream());
            }
            Some(End::Closed) => return,
            Some(End::HeadTimeout) | None => {
                let is_unread = ended.is_err() || !client.has_uploaded() || !unread.is_empty();
                stream.into_io().close_notify().await;
                if !is_unread {
                    return;
                }
            }
        }
    }
    close_or_make_room(client.stream(), &mut stopped).await;
}
