//! The span of one call of an endpoint (S112b).

use std::pin::Pin;
use std::task::{Context as PollContext, Poll};

use fal_health::protocol::{TRACEPARENT, trace_id};
use http::StatusCode;
use http::request::Parts;
use opentelemetry::propagation::Extractor;
use opentelemetry::trace::{SpanBuilder, SpanKind, SpanRef, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue, global};
use pin_project_lite::pin_project;

use super::request_id::RequestId;
use crate::error::Error;
use crate::traces;

/// The span of one call. Dropping it ends it.
#[derive(Debug)]
pub(super) struct EndpointSpan(Option<Context>);

impl EndpointSpan {
    /// A check has no span, and neither has what its code does (S111c).
    pub(super) fn of_check() -> Self {
        Self(traces::tracer().map(|_| Context::new().with_telemetry_suppressed()))
    }

    /// A request for the endpoint with this declared path has come in.
    pub(super) fn begin(endpoint: &'static str, request: &Parts, id: &RequestId) -> Self {
        let Some(tracer) = traces::tracer() else { return Self(None) };
        let headers = Headers(&request.headers);
        let parent = global::get_text_map_propagator(|propagator| {
            propagator.extract_with_context(&Context::new(), &headers)
        });
        let builder = SpanBuilder::from_name(endpoint).with_kind(SpanKind::Server);
        let span = tracer.build_with_context(builder, &parent);
        let context = parent.with_span(span);
        let span = context.span();
        if span.is_recording() {
            let method = request.method.as_str();
            span.update_name(format!("{method} {endpoint}"));
            span.set_attribute(KeyValue::new("http.request.method", method.to_owned()));
            span.set_attribute(KeyValue::new("http.route", endpoint));
            span.set_attribute(KeyValue::new("fal.request_id", id.as_str().to_owned()));
        }
        Self(Some(context))
    }

    /// Makes the span the current one while this future runs.
    pub(super) fn attach<F: Future>(&self, future: F) -> Attached<F> {
        Attached { future, context: self.0.clone() }
    }

    /// The call has failed.
    pub(super) fn fail(&self, error: &Error) {
        let Some(span) = self.0.as_ref().map(Context::span).filter(SpanRef::is_recording) else {
            return;
        };
        let status = error.status_code();
        if status.is_server_error() {
            span.set_attribute(KeyValue::new("error.type", status.as_str().to_owned()));
            span.set_status(Status::error(error.to_string()));
        }
    }

    /// The call has ended, with this status.
    pub(super) fn end(self, status: StatusCode) {
        let Some(span) = self.0.as_ref().map(Context::span) else { return };
        span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
        span.end();
    }
}

pin_project! {
    /// A future that runs in the context of a span.
    pub(super) struct Attached<F> {
        #[pin]
        future: F,
        context: Option<Context>,
    }
}

impl<F: Future> Future for Attached<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut PollContext<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _current = this.context.clone().map(Context::attach);
        this.future.poll(cx)
    }
}

/// Lets work on another thread run in the context of this one.
pub(super) fn in_this_context<T>(work: impl FnOnce() -> T + Send) -> impl FnOnce() -> T + Send {
    let context = traces::tracer().map(|_| Context::current());
    move || {
        let _current = context.map(Context::attach);
        work()
    }
}

/// The headers of a request, where a propagator looks for its fields.
struct Headers<'a>(&'a http::HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let value = self.0.get(key)?;
        let is_read = key != TRACEPARENT || trace_id(value.as_bytes()).is_some();
        value.to_str().ok().filter(|_| is_read)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}
