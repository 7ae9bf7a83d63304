//! Answers requests to endpoints that send events.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either, select};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderName, HeaderValue, StatusCode};
use http_body::Frame;
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::request_id::RequestId;
use super::response::error_response;
use super::service::{EndpointService, IncomingRequest};
use crate::answer::{EventMessage, ResponseHead, frame};
use crate::error::{Error, Result};

/// A call that runs while its events are read.
type EventCall = BoxFuture<'static, Result<()>>;

/// Answers a request to an endpoint that sends events. The call runs in this future until its first event or its
/// end, and then in the response body. Dropping either cancels an async endpoint and abandons a blocking one.
pub(super) async fn serve(
    served: Arc<EndpointService>,
    mut request: Parts,
    mut body: Body,
    id: RequestId,
) -> Response {
    let (sender, mut sent) = mpsc::channel(1);
    let mut call: EventCall = {
        let (served, id, deadline) = (Arc::clone(&served), id.clone(), served.deadline());
        Box::pin(async move {
            // Unused: events have their own head.
            let mut head = ResponseHead::default();
            let span = served.span(&request, &id);
            let (request, body) = (&mut request, &mut body);
            let mut incoming = IncomingRequest { request, body, id: &id, deadline, events: Some(sender) };
            let call = span.attach(served.call(&mut incoming, &mut head));
            let called = AssertUnwindSafe(call).catch_unwind().await;
            let ended = called.unwrap_or_else(|panic| Err(Error::panicked(&*panic))).map(drop);
            if let Err(error) = &ended {
                span.fail(error);
            }
            span.end(ended.as_ref().map_or_else(Error::status_code, |()| StatusCode::OK));
            ended
        })
    };
    let (first, ended) = match select(pin!(sent.recv()), &mut call).await {
        Either::Left((Some(first), _)) => (Some(first), None),
        Either::Left((None, call)) => (None, Some(call.await)),
        Either::Right((ended, first)) => (first.await, Some(ended)),
    };
    match first {
        Some(EventMessage::First(mut head, event, keep_alive)) => {
            if let Err(error) = head.validate() {
                return error_response(&served, &id, &error, head);
            }
            let (call, ended) = match ended {
                Some(ended) => (None, ended),
                None => (Some(call), Ok(())),
            };
            let silence = keep_alive.and_then(interval_of);
            let mut stream = EventBody { served, id, next: Some(event), sent, call, last: None, silence };
            stream.end(ended);
            respond(head, Body::new(stream))
        }
        Some(EventMessage::Event(_)) | None => {
            finish(ResponseHead::default(), ended, call, &served, &id).await
        }
        Some(EventMessage::Unused(head)) => finish(head, ended, call, &served, &id).await,
    }
}

/// Waits for a call without events and builds its response.
async fn finish(
    mut head: ResponseHead,
    ended: Option<Result<()>>,
    call: EventCall,
    served: &EndpointService,
    id: &RequestId,
) -> Response {
    let ended = match ended {
        Some(ended) => ended,
        None => call.await,
    };
    match ended.and_then(|()| head.validate()) {
        Ok(()) => respond(head, Body::empty()),
        Err(error) => error_response(served, id, &error, head),
    }
}

fn respond(head: ResponseHead, body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // nginx would collect events otherwise.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    head.apply(&mut response);
    response
}

/// The response body: the events of a call, and the call while it runs.
struct EventBody {
    served: Arc<EndpointService>,
    id: RequestId,
    /// The first event, which arrived with the head.
    next: Option<Bytes>,
    sent: mpsc::Receiver<EventMessage>,
    call: Option<EventCall>,
    /// The error event, if the call has failed.
    last: Option<Bytes>,
    /// When the next comment is due, if there is no event before it.
    silence: Option<Interval>,
}

/// The interval of comments while there is no event.
fn interval_of(keep_alive: Duration) -> Option<Interval> {
    let start = Instant::now().checked_add(keep_alive)?;
    let mut interval = interval_at(start, keep_alive);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    Some(interval)
}

/// A comment, which clients ignore.
const KEEP_ALIVE: Bytes = Bytes::from_static(b": keep-alive\n\n");

impl EventBody {
    /// The next event.
    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Some(next) = self.next.take() {
            return Poll::Ready(Some(next));
        }
        if let Some(call) = &mut self.call
            && let Poll::Ready(ended) = call.as_mut().poll(context)
        {
            // The permit is released here, before the client has read the rest.
            self.call = None;
            self.end(ended);
        }
        match self.sent.poll_recv(context) {
            Poll::Ready(Some(EventMessage::First(_, sent, _) | EventMessage::Event(sent))) => {
                Poll::Ready(Some(sent))
            }
            Poll::Ready(None | Some(EventMessage::Unused(_))) if self.call.is_none() => {
                Poll::Ready(self.last.take())
            }
            Poll::Ready(None | Some(EventMessage::Unused(_))) | Poll::Pending => Poll::Pending,
        }
    }

    fn end(&mut self, ended: Result<()>) {
        if let Err(error) = ended {
            self.served.log(&self.id, &error);
            self.last = Some(frame(&[("event", "error".to_owned())], &error.public(&self.id)));
        }
    }
}

impl http_body::Body for EventBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        let event = this.poll_event(context);
        if let Some(silence) = &mut this.silence {
            if event.is_ready() {
                silence.reset();
            } else if silence.poll_tick(context).is_ready() {
                return Poll::Ready(Some(Ok(Frame::data(KEEP_ALIVE))));
            }
        }
        event.map(|event| event.map(|event| Ok(Frame::data(event))))
    }
}
