//! Spans of requests, sent with OTLP to the collector that the environment names ([S111](fal_health::semantics#s111)).
//!
//! [`Traces::from_environment`] reads OpenTelemetry's variables. The SDK makes the spans and batches them on a thread of its
//! own. This module adds what it lacks: a limit that counts what it drops, and an HTTP client without TLS.

mod collector;
mod error;
mod exporter;
mod loss;
mod processor;
mod variables;

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::propagation::TextMapCompositePropagator;
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider};

use collector::CollectorClient;
pub use error::TracesError;
use exporter::CountingExporter;
use loss::LossLog;
use processor::BoundedProcessor;
use variables::{Propagates, Variables};

use crate::threads;

/// How long a process that ends waits for a collector that did not take the last spans.
const LAST_ATTEMPT: Duration = Duration::from_millis(100);

/// The spans of a process, as the environment sets them up.
#[derive(Clone, Debug)]
pub struct Traces {
    provider: SdkTracerProvider,
    endpoint: String,
    propagates: Propagates,
    loss: Arc<LossLog>,
}

/// How spans describe their process, unless the environment says something else.
#[derive(Clone, Debug)]
pub struct TracedService<'a> {
    /// The default of `service.name`.
    pub name: &'a str,
    /// The runner that the process is; `None` for a host, and for a runner without one.
    pub runner: Option<TracedRunner>,
}

/// A runner of a host.
#[derive(Clone, Copy, Debug)]
pub struct TracedRunner {
    /// The process id of its host.
    pub host: u32,
    /// Its number.
    pub id: u64,
}

impl Traces {
    /// Sets up what the environment names. `None` if it names no collector.
    ///
    /// Spans are sent by a thread of their own. Call [`finish`](Self::finish) before the process ends.
    ///
    /// # Errors
    ///
    /// When a variable is invalid, or the system refuses a thread.
    pub fn from_environment(service: &TracedService<'_>) -> Result<Option<Self>, TracesError> {
        let Some(variables) = Variables::read(|name| std::env::var(name).ok())? else { return Ok(None) };
        // The SDK panics if it gets no thread.
        threads::try_out(1).map_err(TracesError::Thread)?;
        let Variables { endpoint, timeout, max_queue_size, propagates } = variables;
        let loss = Arc::new(LossLog::new(&endpoint));
        let client = CollectorClient::new(timeout, Arc::clone(&loss)).map_err(TracesError::Thread)?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_timeout(timeout)
            .build()
            .map_err(|error| TracesError::Exporter(error.to_string()))?;
        let exporter = CountingExporter::new(exporter, Arc::clone(&loss));
        let batches = BatchConfigBuilder::default().with_max_queue_size(max_queue_size).build();
        let batches = BatchSpanProcessor::builder(exporter).with_batch_config(batches).build();
        let processor = BoundedProcessor::new(batches, max_queue_size, Arc::clone(&loss));
        let provider = SdkTracerProvider::builder()
            .with_resource(resource(service))
            .with_span_processor(processor)
            .build();
        Ok(Some(Self { provider, endpoint, propagates, loss }))
    }

    /// What makes the spans.
    pub fn provider(&self) -> &SdkTracerProvider {
        &self.provider
    }

    /// Where the spans are sent.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Whether the trace context of requests is read and written.
    pub fn propagates_context(&self) -> bool {
        self.propagates.trace_context
    }

    /// What reads and writes the context of requests.
    pub fn propagator(&self) -> TextMapCompositePropagator {
        let Propagates { trace_context, baggage } = self.propagates;
        let mut propagators: Vec<Box<dyn opentelemetry::propagation::TextMapPropagator + Send + Sync>> =
            Vec::new();
        if trace_context {
            propagators.push(Box::new(TraceContextPropagator::new()));
        }
        if baggage {
            propagators.push(Box::new(BaggagePropagator::new()));
        }
        TextMapCompositePropagator::new(propagators)
    }

    /// Sends the spans that are left, and blocks for at most this time, or for 100 ms if the collector did not take the last ones.
    /// Later spans are not sent.
    pub fn finish(&self, timeout: Duration) {
        let timeout = if self.loss.is_failing() { timeout.min(LAST_ATTEMPT) } else { timeout };
        // An error means that it took too long, or that it was called before.
        let _ = self.provider.shutdown_with_timeout(timeout);
        self.loss.finish();
    }
}

/// The environment's own attributes count more.
fn resource(service: &TracedService<'_>) -> Resource {
    const NAME: &str = "service.name";
    const INSTANCE: &str = "service.instance.id";
    let from_environment = Resource::builder().build();
    let attributes = std::env::var("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
    let has = |key: &str| {
        attributes.split(',').filter_map(|entry| entry.split_once('=')).any(|(name, _)| name.trim() == key)
    };
    let has_name = std::env::var("OTEL_SERVICE_NAME").is_ok_and(|name| !name.is_empty()) || has(NAME);
    let node = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let instance = match service.runner {
        None => format!("{node}:{}", std::process::id()),
        Some(TracedRunner { host, id }) => format!("{node}:{host}:runner-{id}"),
    };
    let own = [(NAME, service.name.to_owned(), has_name), (INSTANCE, instance, has(INSTANCE))];
    let own = own.into_iter().filter(|(_, _, given)| !given).map(|(key, value, _)| KeyValue::new(key, value));
    let runner = service.runner.map(|runner| KeyValue::new("fal.runner.id", runner.id.cast_signed()));
    let kept = from_environment.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
    // A later attribute replaces an earlier one of the same name.
    Resource::builder_empty().with_attributes(kept.chain(own).chain(runner)).build()
}
