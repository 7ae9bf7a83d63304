//! Connections of TLS that switch protocols (S45i, S50a).

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::client::TlsStream;

use super::overdue::tick_through;
use super::rig::FakeRunner;
use super::tls::Certificate;
use super::tunnels::{SWITCH, UPGRADE};
use super::{Peer, Rig, until, within};

/// A runner and both ends of a tunnel to it.
async fn tunnel(
    certificate: &Certificate,
    rig: &mut Rig,
) -> (FakeRunner, TlsStream<TcpStream>, Peer<UnixStream>) {
    let runner = rig.runner();
    let mut stream = certificate.connect(rig, &[b"http/1.1"]).await.unwrap();
    let mut client = Peer::new(&mut stream);
    client.send(UPGRADE).await;
    let mut connection = runner.accept().await;
    connection.message().await;
    connection.send(SWITCH).await;
    assert_eq!(client.head().await.status(), 101);
    (runner, stream, connection)
}

#[tokio::test]
async fn a_tunnel_passes_through_tls_s50a_s45i() {
    let certificate = Certificate::new();
    let mut rig = Rig::with(certificate.limits()).await;
    let (_runner, mut stream, mut connection) = tunnel(&certificate, &mut rig).await;
    let mut client = Peer::new(&mut stream);
    connection.send("hello").await;
    assert_eq!(client.exactly(5).await, "hello");
    client.send("there").await;
    assert_eq!(connection.exactly(5).await, "there");
    drop(stream);
    connection.closed().await;
}

#[tokio::test]
async fn a_client_reads_the_end_of_tls_although_its_runner_closes_a_tunnel_with_unread_bytes_s50a_s45i() {
    let certificate = Certificate::new();
    let mut rig = Rig::with(certificate.limits()).await;
    let (_runner, mut stream, mut connection) = tunnel(&certificate, &mut rig).await;
    Peer::new(&mut stream).send("unread").await;
    until(|| connection.unread() > 0).await;
    connection.send("last").await;
    drop(connection);
    let mut received = String::new();
    // Without `close_notify` this is an error.
    within(stream.read_to_string(&mut received)).await.unwrap();
    assert_eq!(received, "last");
}

#[tokio::test]
async fn a_tunnel_whose_client_has_ended_only_its_side_of_tls_makes_room_for_a_request_that_waits_s43d_s45i_s50a()
 {
    let certificate = Certificate::new();
    let mut rig = Rig::with(certificate.limits()).await;
    let (runner, mut stream, mut connection) = tunnel(&certificate, &mut rig).await;
    stream.get_mut().1.send_close_notify();
    within(stream.flush()).await.unwrap();
    connection.closed().await;
    let mut next = Peer::new(certificate.connect(&rig, &[b"http/1.1"]).await.unwrap());
    next.get("/next").await;
    until(|| rig.balancer.waiting() == 1).await;
    tick_through(Duration::from_secs(3)).await;
    assert_eq!(rig.balancer.waiting(), 1);
    tick_through(Duration::from_secs(4)).await;
    assert_eq!(runner.accept().await.message().await.start, "GET /next HTTP/1.1");
}
