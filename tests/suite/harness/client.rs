//! HTTP clients.

use std::fmt::Write;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::net::{Shutdown, shutdown};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::within;

/// The admin token of hosts in tests.
pub(crate) const TOKEN: &str = "token-of-the-tests";

trait Wire: AsyncRead + AsyncWrite + AsFd + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + AsFd + Send + Unpin> Wire for T {}

/// One client connection, which shows every received byte.
pub(crate) struct Client {
    wire: BufReader<Box<dyn Wire>>,
}

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    method: &'static str,
    path: String,
    headers: String,
    body: Vec<u8>,
}

impl Request {
    pub(crate) fn new(method: &'static str, path: &str) -> Self {
        Self { method, path: path.to_owned(), headers: String::new(), body: Vec::new() }
    }

    pub(crate) fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    /// An order to a host of [`Program::run`](super::Program::run), with its token.
    pub(crate) fn order(path: &str) -> Self {
        Self::new("POST", path).header("authorization", &format!("Bearer {TOKEN}"))
    }

    pub(crate) fn post(path: &str, body: &Value) -> Self {
        let request = Self::new("POST", path).header("content-type", "application/json");
        Self { body: body.to_string().into_bytes(), ..request }
    }

    /// A call of the fixture's endpoint, with a name for the director.
    pub(crate) fn call(name: &str) -> Self {
        Self::post("/call", &json!({ "name": name }))
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        write!(self.headers, "{name}: {value}\r\n").unwrap();
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let Self { method, path, headers, body } = self;
        let length = body.len();
        let head =
            format!("{method} {path} HTTP/1.1\r\nhost: test\r\n{headers}content-length: {length}\r\n\r\n");
        [head.as_bytes(), body].concat()
    }
}

impl Client {
    pub(crate) async fn tcp(address: SocketAddr) -> Self {
        Self::over(within("a connection", TcpStream::connect(address)).await.unwrap())
    }

    /// Whether connections are refused there now. A connection that still succeeds, since a process that is just
    /// being started has the listener, too, is closed unanswered.
    pub(crate) async fn is_refused(address: SocketAddr) -> bool {
        match TcpStream::connect(address).await {
            Ok(mut stream) => {
                let mut nothing = [0];
                let read = within("a connection to be closed", stream.read(&mut nothing)).await;
                matches!(read, Ok(0) | Err(_))
            }
            Err(_) => true,
        }
    }

    pub(crate) async fn unix(path: &Path) -> Self {
        Self::over(within("a connection", UnixStream::connect(path)).await.unwrap())
    }

    fn over(wire: impl Wire + 'static) -> Self {
        Self { wire: BufReader::new(Box::new(wire)) }
    }

    pub(crate) async fn send(&mut self, request: &Request) {
        self.write(&request.bytes()).await;
    }

    /// Sends raw bytes.
    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        self.wire.write_all(bytes).await.unwrap();
    }

    /// The next response.
    pub(crate) async fn response(&mut self) -> Response {
        let mut response = self.head().await;
        response.body = match response.header("content-length") {
            Some(length) => {
                let mut body = vec![0; length.parse().unwrap()];
                within("a body", self.wire.read_exact(&mut body)).await.unwrap();
                body
            }
            None => Vec::new(),
        };
        response
    }

    pub(crate) async fn exchange(&mut self, request: &Request) -> Response {
        self.send(request).await;
        self.response().await
    }

    /// The head of the next response.
    pub(crate) async fn head(&mut self) -> Response {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let read = within("a response", self.wire.read_until(b'\n', &mut head)).await.unwrap();
            assert_ne!(read, 0, "the connection ended: {:?}", String::from_utf8_lossy(&head));
        }
        Response::parse(str::from_utf8(&head).unwrap())
    }

    /// The next chunk of a chunked response; an empty one at its end.
    pub(crate) async fn chunk(&mut self) -> Vec<u8> {
        let mut length = String::new();
        within("a chunk", self.wire.read_line(&mut length)).await.unwrap();
        let length = usize::from_str_radix(length.trim(), 16).unwrap();
        let mut chunk = vec![0; length + 2];
        within("a chunk", self.wire.read_exact(&mut chunk)).await.unwrap();
        chunk.truncate(length);
        chunk
    }

    /// Reads until the other side closes the connection.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        within("the end of the connection", self.wire.read_to_end(&mut rest)).await.unwrap();
        rest
    }
}

/// A request that has been sent on its own connection.
#[derive(Debug)]
pub(crate) struct Pending {
    task: JoinHandle<Option<Response>>,
    leave: Option<oneshot::Sender<()>>,
}

impl Pending {
    pub(crate) async fn new(address: SocketAddr, request: &Request) -> Self {
        let mut client = Client::tcp(address).await;
        client.send(request).await;
        let (leave, left) = oneshot::channel();
        let task = tokio::spawn(async move {
            tokio::select! {
                response = client.response() => Some(response),
                Ok(()) = left => {
                    // A process that is just being started has the socket, too, and keeps it open. Shut down on both
                    // sides, it answers the host's `100 Continue` with a reset, like one that is closed.
                    shutdown(client.wire.get_ref(), Shutdown::Both).unwrap();
                    None
                }
            }
        });
        Self { task, leave: Some(leave) }
    }

    pub(crate) async fn response(mut self) -> Response {
        within("a response", &mut self.task).await.unwrap().unwrap()
    }

    /// Disconnects the client.
    pub(crate) async fn leave(mut self) {
        self.leave.take().unwrap().send(()).unwrap();
        assert!(within("a client to leave", &mut self.task).await.unwrap().is_none());
    }

    /// The first response of several, with the index of its request.
    pub(crate) async fn first(pending: &mut Vec<Self>) -> (usize, Response) {
        let responses = pending.iter_mut().map(|pending| &mut pending.task);
        let (response, place, _) = within("a response", futures_util::future::select_all(responses)).await;
        pending.remove(place);
        (place, response.unwrap().unwrap())
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A response.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    fn parse(head: &str) -> Self {
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap().parse().unwrap();
        let header = |line: &str| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        };
        Self { status, headers: lines.filter_map(header).collect(), body: Vec::new() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        match serde_json::from_slice(&self.body) {
            Ok(json) => json,
            Err(error) => panic!("{error}: {}", String::from_utf8_lossy(&self.body)),
        }
    }

    /// The id of the runner that served it.
    pub(crate) fn runner(&self) -> u64 {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
        self.json()["runner"].as_u64().unwrap()
    }

    pub(crate) fn error_type(&self) -> String {
        self.json()["error_type"].as_str().unwrap().to_owned()
    }
}
