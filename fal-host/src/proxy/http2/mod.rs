//! Clients that speak HTTP/2: one connection with many requests, each of which is a stream (S51).
//!
//! hyper reads and writes the frames. Each stream has a [`Client`] of its own, which keeps the state and the time limits
//! of one request, as for a client of HTTP/1.1. So a request takes the same path, from
//! [`forward`](crate::proxy::forward) on. The task of the connection polls its streams, too: nothing outlives the connection.

mod body;
mod budget;
mod frames;
mod multiplexed;
mod rounds;
mod scanner;
mod service;
mod stream;

use std::future::poll_fn;
use std::sync::Arc;

use hyper::server::conn::http2;
use tokio::sync::oneshot;

use self::frames::FramedStream;
use self::multiplexed::{Multiplexed, StopReason};
use self::rounds::Rounds;
use self::service::Requests;
use self::stream::StreamSpawner;
use super::balancer::Balancer;
use super::client::Client;
use super::client_io::ClientIo;
use super::departure::reset;
use super::stopping::{MakeRoom, close_or_make_room};

/// How many requests a connection may have at a time.
const MAX_STREAMS: u32 = 100;

/// How many bytes of a request's body the host takes before its runner does.
const STREAM_WINDOW: u32 = 64 * 1024;

/// How many bytes of a response's body may wait for a client that does not read it.
const SEND_BUFFER: usize = 64 * 1024;

/// How many streams may fail because of malformed frames before the connection ends.
const MAX_MALFORMED: usize = 50;

/// How many requests may be reset before the host has begun them. The limit on resets ends a connection sooner.
const MAX_UNSEEN_RESETS: usize = 100;

/// Serves the requests of a connection until the client closes it, is idle for too long, or breaks a limit.
pub(super) async fn serve(
    balancer: Arc<Balancer>,
    client: Arc<Client>,
    io: ClientIo,
    mut stopped: oneshot::Receiver<MakeRoom>,
) {
    let max_head = u32::try_from(balancer.limits().max_head).unwrap_or(u32::MAX);
    let (spawner, rounds) = (StreamSpawner::default(), Rounds::default());
    let requests = Requests {
        balancer: Arc::clone(&balancer),
        client: Arc::clone(&client),
        spawner: spawner.clone(),
        rounds: rounds.clone(),
    };
    let served = http2::Builder::new(spawner.clone())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(max_head)
        .max_local_error_reset_streams(MAX_MALFORMED)
        .max_pending_accept_reset_streams(MAX_UNSEEN_RESETS)
        .max_send_buf_size(SEND_BUFFER)
        .initial_stream_window_size(STREAM_WINDOW)
        // What waits in one stream must not keep the others from their bodies.
        .initial_connection_window_size(STREAM_WINDOW * MAX_STREAMS)
        .serve_connection(FramedStream::new(Arc::clone(&balancer), Arc::clone(&client), io), requests);
    let mut connection =
        Multiplexed::new(served, spawner, rounds, Arc::clone(&balancer), Arc::clone(&client));
    loop {
        let is_closing = connection.is_closing();
        tokio::select! {
            biased;
            progress = poll_fn(|cx| connection.poll(cx)) => match progress {
                StopReason::Ended => break,
                StopReason::Idle if is_closing => return,
                StopReason::Idle => connection.close(),
            },
            _ = &mut stopped, if !is_closing => connection.close(),
        }
    }
    drop(connection);
    if client.cut_off.has_stalled() || client.cut_off.has_flooded() {
        return reset(client.stream());
    }
    close_or_make_room(client.stream(), &mut stopped).await;
}
