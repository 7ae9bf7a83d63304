//! The time for the head of the next request begins when the client has taken the response before it.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use futures_util::FutureExt;
use hyper::rt::{Read, ReadBuf};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{unconstrained, yield_now};

use super::overdue::tick_through;
use super::{Peer, Rig, within};
use crate::proxy::client::Client;
use crate::proxy::client_io::{ClientIo, Socket};
use crate::proxy::client_limits::{ClientLimits, HEAD_TIMEOUT};
use crate::proxy::client_stream::ClientStream;
use crate::proxy::forwarded::{Scheme, Sender, Trust};
use crate::proxy::thread::Thread;
use crate::proxy::timer::{TickClock, Wait};

/// A client that may read slowly for long, and its end of the connection.
async fn connected() -> (TcpStream, Arc<Client>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, address) = listener.accept().await.unwrap();
    let clock = TickClock::for_limit(None);
    let limits = ClientLimits::new(&clock, HEAD_TIMEOUT * 8, None);
    let sender = Sender::new(address.ip(), Scheme::Http, Trust::No);
    (peer, Arc::new(Client::new(stream, Thread::default(), sender, clock, limits)))
}

/// Reads what hyper would read of the next head.
async fn read_head(stream: &mut ClientStream) -> io::Result<()> {
    let mut buffer = [0; 64];
    let mut read = ReadBuf::new(&mut buffer);
    unconstrained(poll_fn(|cx| Pin::new(&mut *stream).poll_read(cx, read.unfilled()))).await
}

#[tokio::test]
async fn the_time_for_a_head_does_not_run_while_the_client_does_not_take_the_deferred_response_s43a() {
    let (mut peer, client) = connected().await;
    let mut stream = ClientStream::new(Arc::clone(&client), ClientIo::Plain(Socket(Arc::clone(&client))));
    let pass = |ticks| (0..ticks).for_each(|_| client.timer.clock().advance([&client.timer].into_iter()));
    let part = vec![b'x'; 64 * 1024];
    while unconstrained(poll_fn(|cx| stream.poll_write_bytes(cx, &part))).now_or_never().is_some() {}
    client.deferred.add(Waker::noop(), |bytes| bytes.extend_from_slice(b"response"));
    client.deferred.write(|_| Err(io::ErrorKind::WouldBlock.into()));
    client.await_head();
    assert!(read_head(&mut stream).now_or_never().is_none());
    pass(client.limits.head * 2);
    let mut received = Vec::new();
    let taking = async {
        while !received.ends_with(b"response") {
            assert!(within(peer.read_buf(&mut received)).await.unwrap() > 0);
        }
    };
    tokio::select! {
        biased;
        ended = read_head(&mut stream) => panic!("it waits for no head yet: {ended:?}"),
        () = taking => {}
    }
    assert!(read_head(&mut stream).now_or_never().is_none());
    assert_eq!(client.timer.left(Wait::Head), Some(client.limits.head), "it begins now");
    pass(client.limits.head);
    assert_eq!(within(read_head(&mut stream)).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
}

#[tokio::test]
async fn a_client_that_takes_long_for_the_end_of_a_response_gets_all_of_it_s43a() {
    const LENGTH: usize = 8_000_000;
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 * 1024).unwrap();
    let mut client = Peer::new(within(socket.connect(rig.address)).await.unwrap());
    client.get("/large").await;
    let mut connection = runner.accept().await;
    connection.message().await;
    let sending = tokio::spawn(async move {
        connection.answer(&"x".repeat(LENGTH)).await;
        connection
    });
    assert_eq!(client.head().await.status(), 200);
    let mut left = LENGTH;
    // The host has the end of the response, and the client has not.
    while rig.balancer.in_flight(runner.id) > 0 {
        left -= client.exactly((16 * 1024).min(left)).await.len();
        for _ in 0..16 {
            yield_now().await;
        }
    }
    assert!(left > 0, "the end waits for the client");
    tick_through(HEAD_TIMEOUT * 2 + Duration::from_secs(1)).await;
    assert_eq!(client.rest().await.len(), left);
    sending.await.unwrap();
}
