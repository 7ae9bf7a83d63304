//! An endpoint that is a WebSocket, under a host and alone (S45i, S70).

use futures_util::{SinkExt, StreamExt};
use rustix::process::Signal;
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::*;

type Socket = WebSocketStream<TcpStream>;

fn program(arguments: &[&str]) -> Program {
    Program::start(Command::new(env!("CARGO_BIN_EXE_websocket")).args(arguments))
}

async fn connect(program: &Program) -> Socket {
    let address = program.address().await;
    let stream = TcpStream::connect(address).await.unwrap();
    let url = format!("ws://{address}/words");
    let (socket, response) =
        within("a WebSocket", tokio_tungstenite::client_async(url, stream)).await.unwrap();
    assert_eq!(response.status(), 101);
    assert!(response.headers().contains_key("x-fal-request-id"));
    socket
}

async fn next(socket: &mut Socket) -> Message {
    within("a message", socket.next()).await.expect("a message").unwrap()
}

async fn counts(socket: &mut Socket) {
    socket.send(Message::text("Guten Morgen")).await.unwrap();
    assert_eq!(next(socket).await, Message::text("2"));
    let big = vec![b'x'; 1 << 20];
    socket.send(Message::binary(big)).await.unwrap();
    assert_eq!(next(socket).await, Message::binary("1048576"));
}

/// Waits for the close frame of a runner that stops, and answers it.
async fn is_told_to_leave(mut socket: Socket) {
    let Message::Close(Some(frame)) = next(&mut socket).await else { panic!("no close frame") };
    assert_eq!((u16::from(frame.code), frame.reason.as_str()), (1001, "the server stops"));
    while within("the end", socket.next()).await.is_some() {}
}

#[tokio::test]
async fn a_web_socket_through_a_host_is_closed_by_a_rolling_restart_and_by_a_stop_s45i_s70b() {
    let arguments = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--drain-timeout", "100ms"];
    let mut host = program(&arguments);
    host.stderr.line("IDLE runner=1").await;
    let mut first = connect(&host).await;
    counts(&mut first).await;
    host.signal(Signal::HUP);
    is_told_to_leave(first).await;
    host.stderr.line("TERMINATED runner=1 reason=restarted").await;
    let mut second = connect(&host).await;
    counts(&mut second).await;
    second.close(None).await.unwrap();
    while within("the end", second.next()).await.is_some() {}
    let mut third = connect(&host).await;
    counts(&mut third).await;
    host.signal(Signal::TERM);
    is_told_to_leave(third).await;
    assert_eq!(host.exit().await, Some(0));
}

#[tokio::test]
async fn a_bare_runner_tells_its_web_sockets_that_it_stops_s70b() {
    let mut runner = program(&["serve", "--listen", "tcp:127.0.0.1:0"]);
    let mut socket = connect(&runner).await;
    counts(&mut socket).await;
    runner.signal(Signal::TERM);
    is_told_to_leave(socket).await;
    assert_eq!(runner.exit().await, Some(0));
}
