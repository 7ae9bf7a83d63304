//! The endpoint of the app, in plain axum and in plain hyper.

use anyhow::Result;
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use fal_health::protocol::Address;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response};
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, UnixListener};

use crate::listen::serve;

#[derive(Deserialize, Serialize)]
struct Text {
    text: String,
}

pub(crate) async fn axum(address: &Address) -> Result<()> {
    let router = Router::new().route("/", post(async |input: Json<Text>| input));
    match address {
        Address::Tcp(address) => axum::serve(TcpListener::bind(address).await?, router).await?,
        Address::Unix(path) => axum::serve(UnixListener::bind(path)?, router).await?,
    }
    Ok(())
}

pub(crate) async fn hyper(address: &Address) -> Result<()> {
    serve(address, service_fn(echo)).await
}

async fn echo(request: Request<Incoming>) -> Result<Response<Full<Bytes>>> {
    let body = request.into_body().collect().await?.to_bytes();
    let text: Text = serde_json::from_slice(&body)?;
    let mut response = Response::new(Full::from(serde_json::to_vec(&text)?));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}
