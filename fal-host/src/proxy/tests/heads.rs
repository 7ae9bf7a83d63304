//! Clients that let the host wait for the head of a request.

use std::future::poll_fn;
use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt;
use rustix::net::sockopt;
use tokio::io::AsyncWriteExt;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::overdue::tick_through;
use super::rig::limits;
use super::{Rig, within};
use crate::proxy::client::Client;
use crate::proxy::client_limits::{ClientLimits, HEAD_TIMEOUT};
use crate::proxy::departure::{LINGER_PAUSE, prepare};
use crate::proxy::forwarded::{Scheme, Sender, Trust};
use crate::proxy::protocol::Protocol;
use crate::proxy::stopping::MakeRoom;
use crate::proxy::stopping::close_or_make_room;
use crate::proxy::thread::Thread;
use crate::proxy::timer::TickClock;
use crate::proxy::{Limits, serve};

/// The limit, as exact as it is kept.
fn is_the_limit(waited: Duration) -> bool {
    waited.abs_diff(HEAD_TIMEOUT) <= TickClock::LONGEST_TICK * 2
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_finish_the_head_of_its_request_is_cut_off() {
    let rig = Rig::new().await;
    let mut client = rig.client().await;
    let began = Instant::now();
    client.send("GET / HTTP/1.1\r\nhost: ").await;
    client.closed_at_last().await;
    let refused = client.message().await;
    assert_eq!((refused.status(), refused.error_type().as_str()), (408, "client_timeout"));
    assert!(is_the_limit(began.elapsed()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_idle_client_connection_is_closed() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let (mut client, mut connection) = rig.request("/", &runner).await;
    connection.answer("ok").await;
    client.message().await;
    let began = Instant::now();
    client.closed_at_last().await;
    assert!(is_the_limit(began.elapsed()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_waits_for_its_answer_is_not_cut_off() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let (mut client, mut connection) = rig.request("/", &runner).await;
    tokio::time::advance(HEAD_TIMEOUT * 2).await;
    connection.answer("late").await;
    assert_eq!(client.message().await.body, "late");
}

#[tokio::test]
async fn a_head_that_is_too_large_is_answered_431_s43h() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let head = |size: usize| format!("GET / HTTP/1.1\r\nhost: a\r\nx-large: {}\r\n\r\n", "x".repeat(size));
    let mut client = rig.client().await;
    client.send(&head(30 * 1024)).await;
    let mut connection = runner.accept().await;
    connection.message().await;
    connection.answer("ok").await;
    assert_eq!(client.message().await.status(), 200);
    let mut client = rig.client().await;
    client.send(&head(40 * 1024)).await;
    let refused = client.message().await;
    assert_eq!((refused.status(), refused.error_type().as_str()), (431, "head_too_large"));
    client.closed().await;
}

#[tokio::test]
async fn at_the_limit_of_clients_the_one_that_was_idle_for_longest_makes_room_s43h() {
    let mut rig = Rig::with(Limits { clients: 2, ..limits() }).await;
    let runner = rig.runner();
    let mut idle = rig.client().await;
    let (mut busy, mut connection) = rig.request("/busy", &runner).await;
    let mut third = rig.get("/third").await;
    tick_through(Duration::from_secs(5)).await;
    idle.closed().await;
    connection.answer("1").await;
    assert_eq!(busy.message().await.body, "1", "a request in progress is no idle one");
    assert_eq!(connection.message().await.start, "GET /third HTTP/1.1");
    connection.answer("3").await;
    assert_eq!(third.message().await.body, "3");
}

#[tokio::test]
async fn no_more_heads_arrive_at_a_time_than_there_may_be_clients_s43h() {
    const CLIENTS: usize = 4;
    let mut rig = Rig::with(Limits { clients: CLIENTS, ..limits() }).await;
    let runner = rig.runner();
    let mut slow = Vec::new();
    for _ in 0..CLIENTS * 3 {
        let mut client = rig.client().await;
        client.send(&format!("GET / HTTP/1.1\r\nhost: a\r\nx-large: {}", "x".repeat(30 * 1024))).await;
        slow.push(client);
    }
    let mut served = rig.get("/").await;
    // Far less than the time for a head.
    tick_through(HEAD_TIMEOUT / 2).await;
    let mut connection = runner.accept().await;
    connection.message().await;
    connection.answer("ok").await;
    assert_eq!(served.message().await.body, "ok");
    let mut held = 0;
    for client in &mut slow {
        held += usize::from(client.closed().now_or_never().is_none());
    }
    assert!((1..CLIENTS).contains(&held), "the host holds the heads of {held} clients");
}

/// How long the host takes to close the connection of a client that keeps its side open.
async fn time_to_close(stopped: &mut oneshot::Receiver<MakeRoom>) -> Duration {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let _peer = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let began = Instant::now();
    close_or_make_room(&stream, stopped).await;
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_being_closed_makes_room_for_another_client_at_once_s43h() {
    let (stop, mut stopped) = oneshot::channel();
    stop.send(MakeRoom).unwrap();
    assert_eq!(time_to_close(&mut stopped).await, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_stops_closes_connections_in_stages_s43e() {
    let (stop, mut stopped) = oneshot::channel();
    drop(stop);
    assert!(time_to_close(&mut stopped).await >= LINGER_PAUSE);
}

#[tokio::test]
async fn a_client_is_served_from_its_first_byte_on_s43h() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut peer = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, address) = listener.accept().await.unwrap();
    let clock = TickClock::for_limit(None);
    let limits = ClientLimits::new(&clock, Duration::from_secs(60), None);
    let client = Client::new(
        stream,
        Thread::default(),
        Sender::new(address.ip(), Scheme::Http, Trust::No),
        clock,
        limits,
    );
    let mut seen = 0;
    let mut protocol = pin!(poll_fn(|cx| Protocol::poll(&client, &mut seen, cx)));
    for _ in 0..100 {
        assert!(protocol.as_mut().now_or_never().is_none(), "it costs no buffers yet");
        tokio::task::yield_now().await;
    }
    peer.write_all(b"G").await.unwrap();
    assert_eq!(within(protocol).await, Some(Protocol::Http1));
}

#[tokio::test]
async fn a_burst_of_a_thousand_clients_finds_room_in_the_queue_of_the_listener_s43h() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    prepare(&listener, Duration::from_secs(60));
    let address = listener.local_addr().unwrap();
    let mut clients = Vec::new();
    for _ in 0..1_000 {
        // A connection that does not fit is tried again after a second.
        let connected =
            tokio::time::timeout(Duration::from_millis(900), tokio::net::TcpStream::connect(address));
        clients.push(connected.await.expect("it fits into the queue").unwrap());
    }
}

#[tokio::test]
async fn the_system_watches_the_clients_of_a_listener_that_another_host_may_have_handed_over_s43d() {
    for (client_timeout, user_timeout) in [(60, 60_000), (5, 40_000)] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let handed_over = tokio::net::TcpListener::from_std(listener.try_clone().unwrap()).unwrap();
        let limits = Limits { client_timeout: Duration::from_secs(client_timeout), ..limits() };
        let balancer = Rig::with(limits).await.balancer;
        serve(handed_over, balancer, &[], std::future::ready(())).await;

        let _client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (connection, _) = listener.accept().unwrap();
        assert!(sockopt::tcp_nodelay(&connection).unwrap());
        assert!(sockopt::socket_keepalive(&connection).unwrap());
        assert_eq!(sockopt::tcp_keepidle(&connection).unwrap(), Duration::from_secs(30));
        assert_eq!(sockopt::tcp_keepintvl(&connection).unwrap(), Duration::from_secs(10));
        #[cfg(any(target_os = "linux", target_os = "android"))]
        assert_eq!(sockopt::tcp_user_timeout(&connection).unwrap(), user_timeout);
    }
}
