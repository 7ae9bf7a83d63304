//! A collector of spans, as OpenTelemetry's is.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as AnyValue;
use opentelemetry_proto::tonic::common::v1::{AnyValue as Wrapped, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::History;

/// A collector that takes every span. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Collector {
    pub(crate) address: SocketAddr,
    pub(crate) spans: History<SentSpan>,
    task: JoinHandle<()>,
}

/// A span that has arrived.
#[derive(Clone, Debug)]
pub(crate) struct SentSpan {
    pub(crate) name: String,
    /// Who has made it: the name of the instrumentation scope.
    pub(crate) scope: String,
    /// The attributes of the process.
    pub(crate) resource: BTreeMap<String, String>,
    pub(crate) trace: String,
    pub(crate) id: String,
    /// Empty without a parent.
    pub(crate) parent: String,
    /// 1 internal, 2 server, 3 client.
    pub(crate) kind: i32,
    pub(crate) attributes: BTreeMap<String, String>,
    /// 0 unset, 2 error.
    pub(crate) status: i32,
    pub(crate) nanoseconds: u64,
}

impl Collector {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, spans) = (listener.local_addr().unwrap(), History::default());
        let arrived = spans.clone();
        let router = Router::new().route(
            "/v1/traces",
            post(async move |body: Bytes| {
                let request = ExportTraceServiceRequest::decode(body).unwrap();
                add(request, &arrived);
            }),
        );
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, spans, task }
    }

    /// Waits for the span of this scope and name in a trace.
    pub(crate) async fn span(&self, trace: &str, scope: &str, name: &str) -> SentSpan {
        self.nth_span(trace, scope, name, 0).await
    }

    /// The same for one of several, from 0.
    pub(crate) async fn nth_span(&self, trace: &str, scope: &str, name: &str, nth: usize) -> SentSpan {
        let is_it = |span: &&SentSpan| (&*span.trace, &*span.scope, &*span.name) == (trace, scope, name);
        let find = |spans: &mut Vec<SentSpan>| spans.iter().filter(is_it).nth(nth).cloned();
        self.spans.find(&format!("the span {scope} {name} of {trace}"), find).await
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn add(request: ExportTraceServiceRequest, spans: &History<SentSpan>) {
    for resource_spans in request.resource_spans {
        let resource = text_of(resource_spans.resource.unwrap_or_default().attributes);
        for scope_spans in resource_spans.scope_spans {
            let scope = scope_spans.scope.unwrap_or_default().name;
            for span in scope_spans.spans {
                spans.add(SentSpan::new(span, &scope, &resource));
            }
        }
    }
}

impl SentSpan {
    fn new(span: Span, scope: &str, resource: &BTreeMap<String, String>) -> Self {
        Self {
            scope: scope.to_owned(),
            resource: resource.clone(),
            trace: hex(&span.trace_id),
            id: hex(&span.span_id),
            parent: hex(&span.parent_span_id),
            kind: span.kind,
            attributes: text_of(span.attributes),
            status: span.status.map_or(0, |status| status.code),
            nanoseconds: span.end_time_unix_nano - span.start_time_unix_nano,
            name: span.name,
        }
    }

    pub(crate) fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

fn text_of(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |value: Option<Wrapped>| match value.and_then(|value| value.value) {
        Some(AnyValue::StringValue(text)) => text,
        Some(AnyValue::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    attributes.into_iter().map(|attribute| (attribute.key, text(attribute.value))).collect()
}
