//! Spans of endpoints, and those of the app's own code (S112b).

use std::sync::OnceLock;
use std::time::Duration;

use fal_health::protocol::variable;
use fal_host::traces::{TracedRunner, TracedService, Traces, TracesError};
use opentelemetry::global;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracer;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::registry::LookupSpan;

/// The spans of this process, and what makes them.
static TRACES: OnceLock<(Traces, SdkTracer)> = OnceLock::new();

/// Sets up the spans of this process if the environment asks for them (S111), also for code that uses OpenTelemetry's own API.
/// Call it once, before the log is set up.
pub(crate) fn start(app: &str) -> Result<(), TracesError> {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let host = number(variable::HOST_PID).and_then(|host| u32::try_from(host).ok());
    let runner = host.zip(number(variable::ID)).map(|(host, id)| TracedRunner { host, id });
    let Some(traces) = Traces::from_environment(&TracedService { name: app, runner })? else { return Ok(()) };
    global::set_tracer_provider(traces.provider().clone());
    global::set_text_map_propagator(traces.propagator());
    let maker = traces.provider().tracer("fal-runtime");
    // A process is one runner.
    let _ = TRACES.set((traces, maker));
    Ok(())
}

/// What makes the spans of this process, if it makes any.
pub(crate) fn tracer() -> Option<&'static SdkTracer> {
    TRACES.get().map(|(_, tracer)| tracer)
}

/// Makes spans of those that the app's code makes with `tracing`.
pub(crate) fn layer<S: Subscriber + for<'a> LookupSpan<'a>>() -> Option<impl Layer<S>> {
    tracer().map(|tracer| tracing_opentelemetry::layer().with_tracer(tracer.clone()))
}

/// Sends the spans that are left, and blocks for at most this time.
pub(crate) fn finish(timeout: Duration) {
    if let Some((traces, _)) = TRACES.get() {
        traces.finish(timeout);
    }
}
