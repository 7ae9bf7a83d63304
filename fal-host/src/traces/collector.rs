//! Posts spans to a collector.

use std::error::Error;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::uri::PathAndQuery;
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use opentelemetry_http::{HttpClient, HttpError};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::loss::LossLog;
use crate::own_runtime;

/// How much of a response is read, in bytes.
const MAX_RESPONSE: usize = 64 * 1024;

/// An HTTP client for the thread that sends spans, which it blocks. One connection for each batch: there are few.
#[derive(Debug)]
pub(super) struct CollectorClient {
    /// There until this is dropped.
    runtime: Option<Runtime>,
    timeout: Duration,
    loss: Arc<LossLog>,
}

impl CollectorClient {
    pub(super) fn new(timeout: Duration, loss: Arc<LossLog>) -> io::Result<Self> {
        let runtime = Some(own_runtime::with_blocking_threads()?);
        Ok(Self { runtime, timeout, loss })
    }

    fn post(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let Some(runtime) = &self.runtime else { return Err("the client has ended".into()) };
        let late = || {
            let text = format!("the collector has not answered within {:?}", self.timeout);
            HttpError::from(io::Error::new(io::ErrorKind::TimedOut, text))
        };
        let response = runtime.block_on(async {
            timeout(self.timeout, exchange(request)).await.unwrap_or_else(|_| Err(late()))
        });
        match &response {
            Ok(response) if response.status().is_success() => {}
            Ok(response) => self.loss.set_error(&format!("the response is {}", response.status())),
            Err(error) => self.loss.set_error(&chain(error.as_ref())),
        }
        response
    }
}

impl Drop for CollectorClient {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // A name that is being resolved is not waited for.
            runtime.shutdown_background();
        }
    }
}

impl HttpClient for CollectorClient {
    fn send_bytes<'a, 'async_trait>(
        &'a self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'async_trait>>
    where
        'a: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(async move { self.post(request) })
    }
}

async fn exchange(request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let (mut parts, body) = request.into_parts();
    let authority = parts.uri.authority().ok_or("the URL of the collector has no host")?;
    let host = authority.host().trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, authority.port_u16().unwrap_or(80))).await?;
    // A password in the URL is not for the field `host`.
    let (_, named) = authority.as_str().rsplit_once('@').unwrap_or(("", authority.as_str()));
    parts.headers.insert(HOST, HeaderValue::from_str(named)?);
    let target = parts.uri.path_and_query().cloned();
    parts.uri = Uri::from(target.unwrap_or(PathAndQuery::from_static("/")));
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let exchange = async {
        let response = sender.send_request(Request::from_parts(parts, Full::new(body))).await?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, MAX_RESPONSE).collect().await?.to_bytes();
        Ok(Response::from_parts(parts, body))
    };
    let (mut exchange, mut connection) = (pin!(exchange), pin!(connection));
    tokio::select! {
        response = &mut exchange => response,
        // A server may close the connection at once. Then the response, or the error, is there.
        _ = &mut connection => exchange.await,
    }
}

/// An error with its causes.
fn chain(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
