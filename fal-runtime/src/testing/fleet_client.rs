//! Sends requests of tests to a host.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::HOST;
use http::{HeaderValue, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::error::Result;

/// Forwards every request to this address.
pub(super) fn router(address: SocketAddr) -> Router {
    Router::new().fallback(async move |request: Request<Body>| match forward(address, request).await {
        Ok(response) => response,
        Err(error) => (StatusCode::BAD_GATEWAY, format!("no response of the host: {error}")).into_response(),
    })
}

async fn forward(address: SocketAddr, mut request: Request<Body>) -> Result<Response> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    request.headers_mut().entry(HOST).or_insert(HeaderValue::from_static("localhost"));
    Ok(sender.send_request(request).await?.map(Body::new))
}
