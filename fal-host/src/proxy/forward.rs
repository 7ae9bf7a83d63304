//! Answers one request: by its runner, or by the host itself.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use http::header::CONNECTION;
use http::{HeaderValue, Request, Response, StatusCode, Version};
use hyper::body::Incoming;

use super::body::{BodySource, ResponseBody};
use super::departure::departed;
use super::request_body::RequestBody;
use super::request_head::prepare_request;
use super::request_id::RequestIdField;
use super::request_record::RequestRecord;
use super::route::route;
use super::session::Session;

/// The client has left: its connection ends.
#[derive(Debug, thiserror::Error)]
#[error("the client has left")]
pub(super) struct Departed;

/// Answers one request, unless the client leaves meanwhile.
pub(super) async fn forward(
    session: &Arc<Session>,
    request: Request<Incoming>,
) -> Result<Response<ResponseBody>, Departed> {
    let client = &session.client;
    let mut request = request.map(|body| {
        if client.is_stream() { RequestBody::of_stream(body, client) } else { RequestBody::new(body) }
    });
    let is_complete = request.body().is_ended();
    let knows_chunks = request.version() >= Version::HTTP_11;
    client.begin_request(request.version(), is_complete);
    let prepared = prepare_request(&mut request, client, !is_complete, session.balancer.limits().max_head);
    client.head.end();
    let id = RequestIdField::keep_or_make(request.headers());
    let mut record = RequestRecord::begin(session, &mut request, &id);
    let reader = session.balancer.limits().origins.reader(request.headers());
    let answer = match (prepared, reader.preflight(&request)) {
        (Err(error), _) => Err(error),
        (Ok(_), Some(response)) => Ok(response.map(BodySource::Own)),
        (Ok(wishes), None) => {
            // `select!` would move both futures.
            let mut answered = pin!(route(session, &mut request, wishes, &id, &mut record));
            let mut left = pin!(departed(client));
            poll_fn(|cx| match answered.as_mut().poll(cx) {
                Poll::Ready(answer) => Poll::Ready(Ok(answer)),
                Poll::Pending => left.as_mut().poll(cx).map(|()| Err(Departed)),
            })
            .await?
        }
    };
    let mut response = answer.unwrap_or_else(|error| {
        record.entry.write(&request, &id, error);
        record.fail(error, &request, &id);
        let mut response = error.response();
        reader.add_headers(response.headers_mut());
        response.map(BodySource::Own)
    });
    // The rest of a body is not read, so that the connection cannot be used again.
    // A connection of HTTP/2 goes on, or ends by itself.
    let ends_with_connection = !knows_chunks && response.body().size_hint().exact().is_none();
    let must_close = !client.has_uploaded() || ends_with_connection || session.balancer.closes_connections();
    let closes = must_close && !client.is_stream();
    if closes && response.status() != StatusCode::SWITCHING_PROTOCOLS {
        client.announce_close();
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        if !knows_chunks {
            // hyper would add `keep-alive` to a response of HTTP/1.1.
            *response.version_mut() = Version::HTTP_10;
        }
    }
    id.put_on(response.headers_mut());
    client.interim.end();
    record.respond(&mut response);
    Ok(response.map(|source| ResponseBody::new(source, record)))
}
