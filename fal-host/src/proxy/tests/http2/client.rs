//! A client that speaks HTTP/2 well: hyper's.

use std::convert::Infallible;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Channel, Empty, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::proxy::tests::{Rig, within};

pub(super) type AnyBody = BoxBody<Bytes, Infallible>;

/// A connection with HTTP/2.
#[derive(Debug)]
pub(super) struct Http2Client {
    sender: SendRequest<AnyBody>,
    /// Ends when the connection does.
    pub(super) connection: JoinHandle<hyper::Result<()>>,
}

/// A response that has come: its status, its body or why it has none, and its trailers.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Result<String, hyper::Error>,
    pub(super) trailers: HeaderMap,
}

impl Answer {
    pub(super) async fn of(response: Response<Incoming>) -> Self {
        let (parts, body) = response.into_parts();
        let (body, trailers) = match within(body.collect()).await {
            Ok(mut collected) => {
                let trailers = collected.trailers().cloned().unwrap_or_default();
                (Ok(String::from_utf8(std::mem::take(&mut collected).to_bytes().to_vec()).unwrap()), trailers)
            }
            Err(error) => (Err(error), HeaderMap::new()),
        };
        Self { status: parts.status, headers: parts.headers, body, trailers }
    }

    pub(super) fn error_type(&self) -> String {
        let body: serde_json::Value = serde_json::from_str(self.body.as_ref().unwrap()).unwrap();
        body["error_type"].as_str().unwrap().to_owned()
    }
}

impl Http2Client {
    /// A client with prior knowledge.
    pub(super) async fn connect(rig: &Rig) -> Self {
        Self::over(within(TcpStream::connect(rig.address)).await.unwrap()).await
    }

    pub(super) async fn over(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Self {
        let (sender, connection) =
            within(handshake(TokioExecutor::new(), TokioIo::new(stream))).await.unwrap();
        Self { sender, connection: tokio::spawn(connection) }
    }

    /// Sends a request. Dropping the task resets the stream.
    pub(super) fn send(&mut self, request: Request<AnyBody>) -> JoinHandle<hyper::Result<Answer>> {
        let response = self.sender.send_request(request);
        tokio::spawn(async move { Ok(Answer::of(response.await?).await) })
    }

    /// Sends a request, and gives the response as soon as its head is there.
    pub(super) fn send_for_head(
        &mut self,
        request: Request<AnyBody>,
    ) -> JoinHandle<hyper::Result<Response<Incoming>>> {
        tokio::spawn(self.sender.send_request(request))
    }

    pub(super) fn get(&mut self, path: &str) -> JoinHandle<hyper::Result<Answer>> {
        self.send(get(path))
    }
}

/// A request for a path, without a body.
pub(super) fn get(path: &str) -> Request<AnyBody> {
    Request::get(format!("http://test{path}")).body(Empty::new().boxed()).unwrap()
}

/// A request with a body.
pub(super) fn post(body: &str) -> Request<AnyBody> {
    Request::post("http://test/").body(Full::from(body.to_owned()).boxed()).unwrap()
}

/// A request whose body the test sends part by part.
pub(super) fn upload() -> (http_body_util::channel::Sender<Bytes, Infallible>, Request<AnyBody>) {
    let (sender, body) = Channel::new(1);
    (sender, Request::post("http://test/").body(body.boxed()).unwrap())
}

/// The answer that a task has got.
pub(super) async fn answered(task: JoinHandle<hyper::Result<Answer>>) -> Answer {
    within(task).await.unwrap().unwrap()
}
