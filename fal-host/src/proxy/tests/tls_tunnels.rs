//! Connections of TLS that switch protocols (S45i, S50a).

use tokio::io::AsyncReadExt;
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::client::TlsStream;

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
