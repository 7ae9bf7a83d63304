//! The server on real sockets.

use std::future::pending;
use std::io::ErrorKind;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Extension;
use axum::http::StatusCode;
use axum::routing::{get, post};
use fal_health::protocol::ListenAddress;
use hyper_util::rt::TokioIo;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{mpsc, oneshot};

use super::concurrency::ConnectionHold;
use super::*;

mod staged_close;

/// What no test waits for to its end.
const LONG: Duration = Duration::from_secs(600);

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: runner\r\n\r\n";

fn app() -> Router {
    Router::new().route("/", get(async || "answered"))
}

async fn listen_in(directory: &TempDir) -> Listener {
    let path = directory.path().join("socket");
    Listener::bind(ListenAddress::Unix(path)).await.unwrap()
}

async fn connect(address: &ListenAddress) -> UnixStream {
    let ListenAddress::Unix(path) = address else { panic!("{address} is no Unix socket") };
    UnixStream::connect(path).await.unwrap()
}

/// Reads one response of [`app`].
async fn response(client: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut text = String::new();
    while !text.ends_with("answered") {
        let mut bytes = [0; 512];
        let read = client.read(&mut bytes).await.unwrap();
        assert_ne!(read, 0, "the connection ended after {text:?}");
        text += std::str::from_utf8(&bytes[..read]).unwrap();
    }
    text
}

async fn is_closed(client: &mut (impl AsyncReadExt + Unpin)) -> bool {
    client.read(&mut [0; 1]).await.unwrap() == 0
}

#[tokio::test]
async fn requests_are_answered_over_a_unix_socket_and_over_tcp() {
    let directory = TempDir::new().unwrap();
    let server = Server::start(listen_in(&directory).await, app(), ReadTimeout::Unlimited);
    let mut client = connect(server.address()).await;
    for _ in 0..2 {
        client.write_all(REQUEST).await.unwrap();
        assert!(response(&mut client).await.starts_with("HTTP/1.1 200"));
    }

    let listener = Listener::bind("tcp:localhost:0".parse().unwrap()).await.unwrap();
    let server = Server::start(listener, app(), ReadTimeout::After(LONG));
    let address = server.address().to_string();
    let mut client = TcpStream::connect(address.strip_prefix("tcp:").unwrap()).await.unwrap();
    client.write_all(REQUEST).await.unwrap();
    assert!(response(&mut client).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_response_to_a_request_whose_body_was_not_read_closes_its_connection_s43e() {
    let directory = TempDir::new().unwrap();
    let server = Server::start(listen_in(&directory).await, app(), ReadTimeout::Unlimited);
    let mut client = connect(server.address()).await;
    client.write_all(b"GET / HTTP/1.1\r\nhost: runner\r\ncontent-length: 2\r\n\r\n").await.unwrap();
    let text = response(&mut client).await;
    assert!(text.contains("connection: close\r\n"), "{text}");
    assert!(is_closed(&mut client).await);
}

#[tokio::test]
async fn an_endpoint_can_switch_protocols_s45i() {
    let switch = async |mut request: axum::extract::Request| {
        let upgrade = hyper::upgrade::on(&mut request);
        tokio::spawn(async move {
            let mut stream = TokioIo::new(upgrade.await.unwrap());
            let mut ping = [0; 4];
            stream.read_exact(&mut ping).await.unwrap();
            stream.write_all(&ping).await.unwrap();
        });
        (StatusCode::SWITCHING_PROTOCOLS, [("connection", "upgrade"), ("upgrade", "echo")])
    };
    let directory = TempDir::new().unwrap();
    let router = Router::new().route("/", get(switch));
    let server = Server::start(listen_in(&directory).await, router, ReadTimeout::Unlimited);
    let mut client = connect(server.address()).await;
    client
        .write_all(b"GET / HTTP/1.1\r\nhost: runner\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\nping")
        .await
        .unwrap();
    let mut text = String::new();
    client.read_to_string(&mut text).await.unwrap();
    assert!(text.starts_with("HTTP/1.1 101") && text.ends_with("ping"), "{text}");
}

#[tokio::test]
async fn a_panic_in_a_layer_is_answered_as_every_failure_and_its_connection_goes_on() {
    let layer = axum::middleware::map_request(async |request: axum::extract::Request| {
        assert_ne!(request.uri().path(), "/panics", "the layer panics");
        request
    });
    let directory = TempDir::new().unwrap();
    let router = app().fallback(async || {}).layer(layer);
    let server = Server::start(listen_in(&directory).await, router, ReadTimeout::Unlimited);
    let mut client = connect(server.address()).await;
    client
        .write_all(b"GET /panics HTTP/1.1\r\nhost: runner\r\nx-fal-request-id: mine\r\n\r\n")
        .await
        .unwrap();
    client.write_all(REQUEST).await.unwrap();
    let text = response(&mut client).await;
    assert!(text.starts_with("HTTP/1.1 500"), "{text}");
    assert!(text.contains("x-fal-request-id: mine"), "{text}");
    assert!(text.contains(r#"{"detail":"Internal Server Error","request_id":"mine"}"#), "{text}");
}

#[tokio::test]
async fn an_abandoned_blocking_call_keeps_its_connection_open_until_it_returns_s38b() {
    let (entered, mut is_entered) = mpsc::unbounded_channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = std::sync::Arc::new(std::sync::Mutex::new(released));
    let blocking = async move |Extension(hold): Extension<ConnectionHold>| {
        let call = tokio::task::spawn_blocking(move || {
            let _hold = hold;
            entered.send(()).unwrap();
            released.lock().unwrap().recv().unwrap();
        });
        call.await.unwrap();
    };
    let directory = TempDir::new().unwrap();
    let router = Router::new().route("/", get(blocking));
    let server = Server::start(listen_in(&directory).await, router, ReadTimeout::Unlimited);
    let mut client = connect(server.address()).await;
    client.write_all(REQUEST).await.unwrap();
    is_entered.recv().await.unwrap();

    client.shutdown().await.unwrap();
    // hyper drops the connection: the server has no connection left.
    server.drain(LONG, pending()).await;
    let open = client.try_read(&mut [0; 1]).map_err(|error| error.kind());
    assert_eq!(open, Err(ErrorKind::WouldBlock), "the call still runs");

    release.send(()).unwrap();
    assert!(is_closed(&mut client).await);
}

#[tokio::test]
async fn a_client_that_leaves_cancels_an_async_call_and_its_connection_closes() {
    let (entered, mut is_entered) = mpsc::unbounded_channel();
    let endless = async move || {
        // Its channel closes when this is dropped.
        entered.send(()).unwrap();
        pending::<()>().await;
    };
    let directory = TempDir::new().unwrap();
    let router = Router::new().route("/", get(endless));
    let server = Server::start(listen_in(&directory).await, router, ReadTimeout::Unlimited);
    let mut client = connect(server.address()).await;
    client.write_all(REQUEST).await.unwrap();
    is_entered.recv().await.unwrap();

    client.shutdown().await.unwrap();
    assert!(is_closed(&mut client).await);
    server.drain(LONG, pending()).await;
    assert_eq!(is_entered.recv().await, None);
}

#[tokio::test]
async fn a_client_that_leaves_after_its_body_was_read_cancels_an_async_call() {
    let (entered, mut is_entered) = mpsc::unbounded_channel();
    let endless = async move |_: Bytes| {
        // Its channel closes when this is dropped.
        let (dropped, is_dropped) = oneshot::channel::<()>();
        entered.send(is_dropped).unwrap();
        pending::<()>().await;
        drop(dropped);
    };
    let directory = TempDir::new().unwrap();
    let router = Router::new().route("/", post(endless));
    let server = Server::start(listen_in(&directory).await, router, ReadTimeout::Unlimited);
    for parts in [
        ["content-length: 5\r\n\r\nhello", ""],
        ["content-length: 5\r\n\r\n", "hello"],
        ["content-length: 5\r\n\r\nhe", "llo"],
        ["transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", ""],
        ["transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n", "0\r\n\r\n"],
    ] {
        let mut client = connect(server.address()).await;
        client.write_all(b"POST / HTTP/1.1\r\nhost: runner\r\n").await.unwrap();
        for part in parts {
            client.write_all(part.as_bytes()).await.unwrap();
            tokio::task::yield_now().await;
        }
        let is_dropped = is_entered.recv().await.unwrap();
        drop(client);
        let dropped = tokio::time::timeout(Duration::from_secs(20), is_dropped).await;
        assert!(dropped.expect("the call is cancelled").is_err());
    }
}

#[tokio::test]
async fn connections_that_wait_to_be_accepted_when_the_runner_stops_are_served_s42b() {
    let directory = TempDir::new().unwrap();
    let server = Server::start(listen_in(&directory).await, app(), ReadTimeout::Unlimited);
    let mut clients = Vec::new();
    for _ in 0..3 {
        // This does not wait, so that the server's task has accepted nothing when the drain begins.
        let ListenAddress::Unix(path) = server.address() else { panic!("it is a Unix socket") };
        let client = StdUnixStream::connect(path).unwrap();
        client.set_nonblocking(true).unwrap();
        clients.push(UnixStream::from_std(client).unwrap());
    }
    let address = server.address().clone();
    let requests = async {
        for mut client in clients {
            client.write_all(REQUEST).await.unwrap();
            assert!(response(&mut client).await.contains("connection: close"));
            assert!(is_closed(&mut client).await);
        }
    };
    tokio::join!(server.drain(LONG, pending()), requests);
    let ListenAddress::Unix(path) = address else { panic!("it is a Unix socket") };
    assert_eq!(UnixStream::connect(path).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_request_on_a_kept_connection_is_served_while_the_runner_stops_and_is_its_last_s42b() {
    let directory = TempDir::new().unwrap();
    let server = Server::start(listen_in(&directory).await, app(), ReadTimeout::Unlimited);
    let (mut client, address) = (connect(server.address()).await, server.address().clone());
    client.write_all(REQUEST).await.unwrap();
    assert!(!response(&mut client).await.contains("connection: close"));

    let drained = tokio::spawn(server.drain(LONG, pending()));
    let ListenAddress::Unix(path) = address else { panic!("it is a Unix socket") };
    while path.exists() {
        tokio::task::yield_now().await;
    }
    client.write_all(REQUEST).await.unwrap();
    assert!(response(&mut client).await.contains("connection: close"));
    assert!(is_closed(&mut client).await);
    drained.await.unwrap();
}

#[tokio::test]
async fn idle_connections_are_closed_when_they_have_lingered() {
    let directory = TempDir::new().unwrap();
    let server = Server::start(listen_in(&directory).await, app(), ReadTimeout::Unlimited);
    let mut client = connect(server.address()).await;
    client.write_all(REQUEST).await.unwrap();
    response(&mut client).await;
    server.drain(Duration::ZERO, pending()).await;
    assert!(is_closed(&mut client).await);
}

#[tokio::test]
async fn a_client_that_has_sent_half_a_head_does_not_keep_a_runner_from_its_end_s42d() {
    let directory = TempDir::new().unwrap();
    let server = Server::start(listen_in(&directory).await, app(), ReadTimeout::Unlimited);
    let mut client = connect(server.address()).await;
    client.write_all(&REQUEST[..8]).await.unwrap();
    let drained =
        tokio::time::timeout(Duration::from_secs(10), server.drain(Duration::ZERO, pending())).await;
    assert!(drained.is_ok(), "the rest of the head is waited for");
}

#[tokio::test]
async fn what_is_left_when_it_is_cut_off_is_closed_s42d() {
    let directory = TempDir::new().unwrap();
    let (entered, mut is_entered) = mpsc::unbounded_channel();
    let endless = async move || {
        entered.send(()).unwrap();
        pending::<()>().await;
    };
    let router = Router::new().route("/", get(endless));
    let server = Server::start(listen_in(&directory).await, router, ReadTimeout::Unlimited);
    let mut client = connect(server.address()).await;
    client.write_all(REQUEST).await.unwrap();
    is_entered.recv().await.unwrap();
    server.drain(Duration::ZERO, async {}).await;
    assert!(is_closed(&mut client).await);
}

#[tokio::test]
async fn a_path_that_is_too_long_for_a_socket_is_answered_with_how_long_it_may_be() {
    let path = format!("/tmp/{}", "a".repeat(200));
    let error = Listener::bind(ListenAddress::Unix(path.into())).await.unwrap_err();
    let source = error.source.to_string();
    assert!(source.contains("205 bytes") && source.contains("100 bytes"), "{source}");
}

#[tokio::test]
async fn the_socket_of_a_killed_process_is_replaced_and_that_of_a_living_one_is_not() {
    let directory = TempDir::new().unwrap();
    drop(listen_in(&directory).await);
    let path = directory.path().join("socket");
    assert!(path.exists(), "it was not removed");

    let _living = listen_in(&directory).await;
    let error = Listener::bind(ListenAddress::Unix(path.clone())).await.unwrap_err();
    assert_eq!(error.source.kind(), ErrorKind::AddrInUse);
    assert!(StdUnixStream::connect(path).is_ok());

    let file = directory.path().join("file");
    std::fs::write(&file, "not a socket").unwrap();
    assert!(Listener::bind(ListenAddress::Unix(file.clone())).await.is_err());
    assert!(file.exists());
}
