//! The spans of one request: the request itself, its waits in the queue, and each time that it is sent to a runner (S112a).

use std::time::Duration;

use fal_health::protocol::trace_id;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{
    Span, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt, Tracer as _, TracerProvider,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, Span as SdkSpan};

use super::access_log::RequestOutcome;
use super::client::Client;
use super::log_entry::cut;
use crate::RunnerId;

static TRACEPARENT: HeaderName = HeaderName::from_static(fal_health::protocol::TRACEPARENT);
static TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Makes the spans of requests. The default makes none.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestTracer(Option<Recorder>);

#[derive(Clone, Debug)]
struct Recorder {
    tracer: SdkTracer,
    /// Whether the context of requests is read, and passed on to runners.
    propagates: bool,
}

impl RequestTracer {
    pub(crate) fn new(provider: &SdkTracerProvider, propagates: bool) -> Self {
        Self(Some(Recorder { tracer: provider.tracer("fal-host"), propagates }))
    }
}

impl Recorder {
    /// The context that a client has sent.
    fn parent(&self, headers: &HeaderMap) -> Context {
        if self.propagates {
            TraceContextPropagator::new().extract_with_context(&Context::new(), &TraceHeaders(headers))
        } else {
            Context::new()
        }
    }
}

/// How long a `tracestate` may be that spans keep, in bytes. W3C Trace Context wants 512 to be kept. Clients send longer ones at will,
/// and many spans may wait.
const MAX_TRACESTATE: usize = 512;

/// The trace context in the headers of a request.
struct TraceHeaders<'a>(&'a HeaderMap);

impl Extractor for TraceHeaders<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let value = self.0.get(key)?.to_str().ok()?;
        let is_read = match key {
            fal_health::protocol::TRACEPARENT => trace_id(value.as_bytes()).is_some(),
            _ => value.len() <= MAX_TRACESTATE,
        };
        is_read.then_some(value)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

/// The spans of one request. It has none if its trace is not sampled.
#[derive(Debug, Default)]
pub(super) struct RequestTrace(Option<Box<RequestSpans>>);

#[derive(Debug)]
struct RequestSpans {
    recorder: Recorder,
    /// The span of the request.
    request: Context,
    /// What its name begins with.
    method: &'static str,
    name: String,
    waited: Duration,
    exchange: Option<SdkSpan>,
    /// How often it was sent to a runner.
    sent: i64,
}

impl RequestTrace {
    /// A request has arrived. `endpoint` is the declared path, if it has one. The context of its span replaces that of its
    /// client in its headers.
    pub(super) fn begin<B>(
        tracer: &RequestTracer,
        client: &Client,
        request: &mut Request<B>,
        endpoint: Option<&str>,
    ) -> Self {
        let Some(recorder) = &tracer.0 else { return Self::default() };
        let parent = recorder.parent(request.headers());
        let method = method_of(request.method());
        let builder = SpanBuilder::from_name(method).with_kind(SpanKind::Server);
        let mut span = recorder.tracer.build_with_context(builder, &parent);
        if !span.is_recording() {
            // The runner is not to decide for itself (S113b).
            if recorder.propagates && !parent.has_active_span() {
                propagate(span.span_context(), request.headers_mut());
                request.headers_mut().remove(&TRACESTATE);
            }
            return Self::default();
        }
        let name = endpoint.map_or_else(|| method.to_owned(), |endpoint| format!("{method} {endpoint}"));
        span.update_name(name.clone());
        describe(&mut span, client, request, endpoint);
        if recorder.propagates {
            propagate(span.span_context(), request.headers_mut());
            if !parent.has_active_span() {
                request.headers_mut().remove(&TRACESTATE);
            }
        }
        let request = parent.with_span(span);
        let recorder = recorder.clone();
        let (waited, exchange, sent) = (Duration::ZERO, None, 0);
        Self(Some(Box::new(RequestSpans { recorder, request, method, name, waited, exchange, sent })))
    }

    /// It has waited in the queue, so long in total, until now.
    pub(super) fn set_waited(&mut self, waited: Duration) {
        let Some(spans) = self.0.as_deref_mut().filter(|spans| spans.waited < waited) else { return };
        let now = opentelemetry::time::now();
        let since = now.checked_sub(waited.saturating_sub(spans.waited)).unwrap_or(now);
        spans.waited = waited;
        let builder = SpanBuilder::from_name("queue").with_start_time(since);
        spans.recorder.tracer.build_with_context(builder, &spans.request).end_with_timestamp(now);
    }

    /// It is about to be sent, with these headers, to a runner.
    pub(super) fn begin_exchange(&mut self, headers: &mut HeaderMap) {
        let Some(spans) = self.0.as_deref_mut() else { return };
        let builder = SpanBuilder::from_name(spans.name.clone()).with_kind(SpanKind::Client);
        let mut span = spans.recorder.tracer.build_with_context(builder, &spans.request);
        span.set_attribute(KeyValue::new("http.request.method", spans.method));
        if spans.sent > 0 {
            span.set_attribute(KeyValue::new("http.request.resend_count", spans.sent));
        }
        spans.sent += 1;
        if spans.recorder.propagates {
            propagate(span.span_context(), headers);
        }
        spans.exchange = Some(span);
    }

    /// It is sent to this runner, or moved to it.
    pub(super) fn set_runner(&mut self, runner: RunnerId) {
        let exchange = self.0.as_deref_mut().and_then(|spans| spans.exchange.as_mut());
        if let Some(span) = exchange {
            span.set_attribute(KeyValue::new("fal.runner.id", runner.get().cast_signed()));
        }
    }

    /// The runner has lost it, for this reason.
    pub(super) fn lose(&mut self, error_type: &'static str) {
        let exchange = self.0.as_deref_mut().and_then(|spans| spans.exchange.take());
        if let Some(mut span) = exchange {
            fail(&mut span, error_type);
            span.end();
        }
    }

    /// It has ended.
    pub(super) fn end(&mut self, status: Option<StatusCode>, outcome: RequestOutcome) {
        let Some(spans) = self.0.take() else { return };
        let code = status.map(|status| i64::from(status.as_u16()));
        let code = code.map(|code| KeyValue::new("http.response.status_code", code));
        if let Some(mut span) = spans.exchange {
            match (outcome, status) {
                (RequestOutcome::Completed, Some(status)) => {
                    if status.is_client_error() || status.is_server_error() {
                        fail(&mut span, status.as_str().to_owned());
                    }
                }
                (outcome, _) => fail(&mut span, outcome.name()),
            }
            // An error of the host has a status that the runner has not sent.
            if let (Some(code), false) = (&code, matches!(outcome, RequestOutcome::Error(_))) {
                span.set_attribute(code.clone());
            }
            span.end();
        }
        let request = spans.request.span();
        if let Some(code) = code {
            request.set_attribute(code);
        }
        let is_server_error = status.is_some_and(|status| status.is_server_error());
        let error_type = match (outcome, status) {
            (RequestOutcome::Completed, Some(status)) if is_server_error => Some(status.as_str().to_owned()),
            (RequestOutcome::Completed, _) => None,
            (outcome, _) => Some(outcome.name().to_owned()),
        };
        if let Some(error_type) = error_type {
            request.set_attribute(KeyValue::new("error.type", error_type));
        }
        if is_server_error || outcome == RequestOutcome::ResponseBroken {
            request.set_status(Status::error(""));
        }
        request.end();
    }
}

/// The attributes of a request that are known when it arrives, by OpenTelemetry's conventions for HTTP servers.
fn describe<B>(span: &mut SdkSpan, client: &Client, request: &Request<B>, endpoint: Option<&str>) {
    let method = method_of(request.method());
    span.set_attribute(KeyValue::new("http.request.method", method));
    if method == OTHER_METHOD {
        let original = request.method().as_str().chars().take(32).collect::<String>();
        span.set_attribute(KeyValue::new("http.request.method_original", original));
    }
    span.set_attribute(KeyValue::new("url.path", cut(request.uri().path()).to_owned()));
    span.set_attribute(KeyValue::new("url.scheme", client.sender.scheme.as_str()));
    span.set_attribute(KeyValue::new(
        "network.protocol.version",
        if client.is_stream() { "2" } else { "1.1" },
    ));
    if let Some(endpoint) = endpoint {
        span.set_attribute(KeyValue::new("http.route", endpoint.to_owned()));
    }
    if let Ok(address) = client.sender.address.to_str() {
        span.set_attribute(KeyValue::new("client.address", address.to_owned()));
    }
    let host = request.headers().get(http::header::HOST).and_then(|host| host.to_str().ok());
    if let Some(authority) = host.and_then(|host| host.parse::<http::uri::Authority>().ok()) {
        span.set_attribute(KeyValue::new("server.address", cut(authority.host()).to_owned()));
        if let Some(port) = authority.port_u16() {
            span.set_attribute(KeyValue::new("server.port", i64::from(port)));
        }
    }
}

const OTHER_METHOD: &str = "_OTHER";

/// Methods that the conventions do not know have one name.
fn method_of(method: &Method) -> &'static str {
    const KNOWN: [&str; 8] = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or(OTHER_METHOD)
}

fn fail(span: &mut SdkSpan, error_type: impl Into<opentelemetry::Value>) {
    span.set_attribute(KeyValue::new("error.type", error_type));
    span.set_status(Status::error(""));
}

/// Writes a context into the headers of a request.
fn propagate(context: &SpanContext, headers: &mut HeaderMap) {
    let (trace, span) = (context.trace_id(), context.span_id());
    let flags = u8::from(context.is_sampled());
    // Hexadecimal digits are always a header value.
    if let Ok(value) = HeaderValue::try_from(format!("00-{trace}-{span}-{flags:02x}")) {
        headers.insert(&TRACEPARENT, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    /// The parent of a request with these headers, and its state.
    fn parent(traceparent: &str, tracestate: &str) -> (bool, String) {
        let recorder = Recorder { tracer: SdkTracerProvider::default().tracer("test"), propagates: true };
        let headers = [(&TRACEPARENT, traceparent), (&TRACESTATE, tracestate)];
        let headers = headers.map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap()));
        let parent = recorder.parent(&HeaderMap::from_iter(headers));
        let state = parent.span().span_context().trace_state().header();
        (parent.span().span_context().is_valid(), state)
    }

    #[test]
    fn only_a_valid_context_is_a_parent_and_no_client_fills_memory_with_its_state_s112c_s114a() {
        assert_eq!(parent(VALID, "a=b"), (true, "a=b".to_owned()));
        for invalid in ["", "00-1-1-01", &VALID.to_uppercase(), &format!("{VALID}-x"), &"-".repeat(30_000)] {
            assert!(!parent(invalid, "a=b").0, "{invalid}");
        }
        let long = format!("a={}", "b".repeat(MAX_TRACESTATE));
        assert_eq!(parent(VALID, &long), (true, String::new()));
    }
}
