//! Which spans a host makes of its requests.

use opentelemetry_sdk::trace::SdkTracerProvider;

use super::builder::HostBuilder;
use crate::proxy::RequestTracer;
#[cfg(feature = "cli")]
use crate::traces::Traces;

impl HostBuilder {
    /// Makes spans of requests with this provider ([S112](fal_health::semantics#s112)): one for each request, one for each
    /// wait in the queue, and one for each time that it is sent to a runner. The caller shuts the provider down when the
    /// host has stopped. Default: no spans.
    ///
    /// [`Traces`](crate::traces::Traces) makes a provider as the environment says.
    pub fn traces(mut self, provider: &SdkTracerProvider) -> Self {
        self.tracer = RequestTracer::new(provider, true);
        self
    }

    /// Makes spans as the environment says.
    #[cfg(feature = "cli")]
    pub(crate) fn traced_by(mut self, traces: &Traces) -> Self {
        self.tracer = RequestTracer::new(traces.provider(), traces.propagates_context());
        self
    }
}
