//! Posts an event to a URL.

use std::io;
use std::pin::pin;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::destination::HttpUrl;

/// Posts an event. Every status except 2xx is an error.
pub(super) async fn post(url: &HttpUrl, event: &str) -> io::Result<()> {
    let host = url.authority.host().trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, url.authority.port_u16().unwrap_or(80))).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    let request = Request::post(&url.target)
        .header(HOST, url.authority.as_str())
        .header(CONTENT_TYPE, "application/json")
        .body(Full::<Bytes>::from(event.to_owned()))
        .map_err(io::Error::other)?;
    let mut response = pin!(sender.send_request(request));
    let response = tokio::select! {
        response = &mut response => response,
        // A server may close the connection at once. Then the response, or the error, is there.
        _ = connection => response.await,
    };
    accepted(&response.map_err(io::Error::other)?)
}

/// The body does not matter.
fn accepted(response: &Response<Incoming>) -> io::Result<()> {
    let status = response.status();
    if status.is_success() { Ok(()) } else { Err(io::Error::other(format!("the response is {status}"))) }
}
