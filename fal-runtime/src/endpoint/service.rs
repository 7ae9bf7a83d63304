//! An endpoint of a running app: its limits, and one call of it.

use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};

use super::argument::BodyKind;
use super::blocking::ExecutionLane;
use super::body::{self, MediaType};
use super::call::CallContext;
use super::declaration::{Endpoint, Function};
use super::health_threads::HealthThreads;
use super::method::EndpointMethod;
use super::payload::Payload;
use super::request_id::RequestId;
use super::span::EndpointSpan;
use crate::answer::{Reply, ResponseHead, Sender};
use crate::app::{Instance, Settings};
use crate::error::Error;
use crate::extract::{BodyStream, ParameterTypes, SharedBody};
use crate::json::Reader;
use crate::metrics::EndpointCounts;
use crate::server::{ConcurrencyLimit, ConnectionHold};
use crate::validation::{self, RepairedBodies};

/// An app that runs, and its calls.
#[derive(Debug)]
pub(crate) struct AppState {
    instance: Instance,
    calls: Arc<ConcurrencyLimit>,
    /// The largest body, in bytes, that an endpoint without a limit of its own takes.
    body_limit: usize,
    request_timeout: Option<Duration>,
}

impl AppState {
    pub(crate) fn new(settings: &Settings, instance: Instance, calls: Arc<ConcurrencyLimit>) -> Self {
        let (body_limit, request_timeout) = (settings.body_limit(), settings.request_timeout());
        Self { instance, calls, body_limit, request_timeout }
    }
}

/// An endpoint of a running app.
#[derive(Debug)]
pub(crate) struct EndpointService {
    pub(super) endpoint: &'static Endpoint,
    app: Arc<AppState>,
    lane: ExecutionLane,
    body_limit: usize,
    types: Option<ParameterTypes>,
    pub(super) counts: EndpointCounts,
}

/// A request that has come in.
pub(super) struct IncomingRequest<'a> {
    pub(super) request: &'a mut Parts,
    pub(super) body: &'a mut Body,
    pub(super) id: &'a RequestId,
    /// When its caller stops waiting, where that is known.
    pub(super) deadline: Option<Instant>,
    /// Where events go; none where the endpoint sends none.
    pub(super) events: Option<Sender>,
}

/// The body of a request, as far as the endpoint's argument wants it to be read.
#[derive(Default)]
struct ReceivedBody {
    /// Empty if the endpoint reads it.
    read: Bytes,
    /// What the endpoint reads, and may leave.
    stream: Option<SharedBody>,
}

impl EndpointService {
    /// `types`: those of the parameters in the request's head.
    pub(crate) fn new(
        endpoint: &'static Endpoint,
        types: Option<ParameterTypes>,
        app: Arc<AppState>,
    ) -> Self {
        let lane = match endpoint.health_check() {
            Some(config) => ExecutionLane::Health(HealthThreads::new(config.timeout())),
            None => ExecutionLane::Pool,
        };
        let body_limit = endpoint.own_body_limit().unwrap_or(app.body_limit);
        let counts = EndpointCounts::new(endpoint.path());
        Self { endpoint, app, lane, body_limit, types, counts }
    }

    pub(super) async fn call(
        &self,
        incoming: &mut IncomingRequest<'_>,
        head: &mut ResponseHead,
    ) -> Result<Reply, Error> {
        // Before a place is taken: a slow sender keeps only itself waiting.
        let mut received = self.receive(&incoming.request.headers, incoming.body).await?;
        let (calls, path) = (&self.app.calls, self.endpoint.path());
        let hold = incoming.request.extensions.get::<ConnectionHold>().cloned();
        let place = match self.lane {
            ExecutionLane::Pool => calls.acquire(path, hold).await,
            ExecutionLane::Health(_) => calls.enter_exempt(path, hold),
        };
        if let Some(types) = &self.types {
            incoming.request.extensions.insert(types.clone());
        }
        let (payload, bodies) = (self.payload(&mut received), RepairedBodies::default());
        let call = CallContext {
            head,
            instance: &self.app.instance,
            path,
            id: incoming.id,
            deadline: incoming.deadline,
            request: incoming.request,
            events: incoming.events.take(),
            reader: Reader::new(&received.read),
            errors: None,
            bodies: &bodies,
            payload,
            lane: &self.lane,
            // It keeps its place until its function has ended.
            place: Some(place),
        };
        run(self.endpoint.function(), call, received.stream.take()).await
    }

    /// Receives the body as far as the endpoint's argument wants it to be read.
    async fn receive(&self, headers: &HeaderMap, body: &mut Body) -> Result<ReceivedBody, Error> {
        let wanted = match self.endpoint.body() {
            None => return Ok(ReceivedBody::default()),
            Some(BodyKind::Json(_)) => MediaType::Json,
            Some(BodyKind::Text) => MediaType::Text,
            Some(BodyKind::Bytes) => MediaType::Any,
            Some(kind @ (BodyKind::Stream | BodyKind::Form)) => {
                let wanted = if matches!(kind, BodyKind::Form) { MediaType::Form } else { MediaType::Any };
                let stream = Some(body::share(headers, body, self.body_limit, wanted).await?);
                return Ok(ReceivedBody { stream, ..ReceivedBody::default() });
            }
        };
        let read = match body::read(headers, body, self.body_limit, wanted).await? {
            Some(read) => read,
            None if wanted != MediaType::Json => Bytes::new(),
            None if self.endpoint.is_body_optional() => Bytes::from_static(b"null"),
            None => return Err(validation::body::missing_body()),
        };
        Ok(ReceivedBody { read, stream: None })
    }

    /// The body for the argument that takes it, unless it is JSON.
    fn payload(&self, received: &mut ReceivedBody) -> Payload {
        match (self.endpoint.body(), &received.stream) {
            (Some(BodyKind::Text | BodyKind::Bytes), _) => Payload::Read(mem::take(&mut received.read)),
            (_, Some(stream)) => Payload::Stream(BodyStream::new(Arc::clone(stream), self.body_limit)),
            _ => Payload::None,
        }
    }

    /// The span of a call that begins now (S112b).
    pub(super) fn span(&self, request: &Parts, id: &RequestId) -> EndpointSpan {
        match self.lane {
            ExecutionLane::Pool => EndpointSpan::begin(self.endpoint.path(), request, id),
            ExecutionLane::Health(_) => EndpointSpan::of_check(),
        }
    }

    /// When the caller of a request that arrives now stops waiting.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.app.request_timeout.and_then(|timeout| Instant::now().checked_add(timeout))
    }

    pub(crate) fn answers(&self, method: &Method) -> bool {
        self.endpoint.methods().iter().any(|answered| answered.answers(method))
    }

    pub(crate) fn methods(&self) -> &'static [EndpointMethod] {
        self.endpoint.methods()
    }

    pub(super) fn log(&self, id: &RequestId, error: &Error) {
        let (endpoint, status) = (self.endpoint.path(), error.status_code().as_u16());
        if error.status_code().is_server_error() {
            tracing::error!(request_id = %id, trace_id = id.trace_id(), endpoint, status, "{error}");
        } else {
            tracing::debug!(request_id = %id, trace_id = id.trace_id(), endpoint, status, "{error}");
        }
    }
}

/// Calls the function, and ends the body that it may have left.
#[expect(clippy::manual_async_fn, reason = "the future of an async fn would hold the context twice")]
fn run(
    function: Function,
    mut call: CallContext<'_>,
    rest: Option<SharedBody>,
) -> impl Future<Output = Result<Reply, Error>> + Send + use<'_> {
    async move {
        let mut called = function(&mut call).await;
        if let Ok(Reply::Raw(response)) = &mut called
            && response.status() == StatusCode::SWITCHING_PROTOCOLS
            && let Some(place) = call.place.take()
        {
            response.extensions_mut().insert(place.switched());
        }
        if let Some(rest) = rest {
            Box::pin(body::discard_rest(rest)).await;
        }
        called
    }
}
