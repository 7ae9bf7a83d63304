//! An endpoint of a running app: its limits, and one call of it.

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
use super::declaration::Endpoint;
use super::health_threads::HealthThreads;
use super::method::EndpointMethod;
use super::payload::Payload;
use super::request_id::RequestId;
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
    pub(super) body: Body,
    pub(super) id: &'a RequestId,
    /// When its caller stops waiting, where that is known.
    pub(super) deadline: Option<Instant>,
    /// Where events go; none where the endpoint sends none.
    pub(super) events: Option<Sender>,
}

/// The body of a request that has come in.
struct ReceivedBody {
    /// Empty if the endpoint takes another kind.
    json: Bytes,
    payload: Payload,
    /// What the endpoint may leave of a stream.
    rest: Option<SharedBody>,
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
        incoming: IncomingRequest<'_>,
        head: &mut ResponseHead,
    ) -> Result<Reply, Error> {
        let IncomingRequest { request, body, id, deadline, events } = incoming;
        let endpoint = self.endpoint;
        // Before a place is taken: a slow sender keeps only itself waiting.
        let ReceivedBody { json, payload, rest } = self.receive(&request.headers, body).await?;
        let hold = request.extensions.get::<ConnectionHold>().cloned();
        let place = match self.lane {
            ExecutionLane::Pool => self.app.calls.acquire(endpoint.path(), hold).await,
            ExecutionLane::Health(_) => self.app.calls.enter_exempt(endpoint.path(), hold),
        };
        if let Some(types) = &self.types {
            request.extensions.insert(types.clone());
        }
        let (instance, lane) = (&self.app.instance, self.lane.clone());
        let (function, reader, place) = (endpoint.function(), Reader::new(&json), Some(place));
        // It keeps its place until its function has ended.
        let path = endpoint.path();
        let (errors, bodies) = (None, &RepairedBodies::default());
        let mut call = CallContext {
            head,
            instance,
            path,
            id,
            deadline,
            request,
            events,
            reader,
            errors,
            bodies,
            payload,
            lane,
            place,
        };
        let mut called = function(&mut call).await;
        if let Ok(Reply::Raw(response)) = &mut called
            && response.status() == StatusCode::SWITCHING_PROTOCOLS
            && let Some(place) = call.place.take()
        {
            response.extensions_mut().insert(place.switched());
        }
        if let Some(rest) = rest {
            body::discard_rest(rest).await;
        }
        called
    }

    /// Receives the body as far as the endpoint's argument wants it to be read.
    async fn receive(&self, headers: &HeaderMap, body: Body) -> Result<ReceivedBody, Error> {
        let endpoint = self.endpoint;
        let mut received = ReceivedBody { json: Bytes::new(), payload: Payload::None, rest: None };
        match endpoint.body() {
            None => {}
            Some(BodyKind::Json(_)) => {
                received.json = match body::read(headers, body, self.body_limit, MediaType::Json).await? {
                    Some(body) => body,
                    None if endpoint.is_body_optional() => Bytes::from_static(b"null"),
                    None => return Err(validation::body::missing_body()),
                };
            }
            Some(kind @ (BodyKind::Text | BodyKind::Bytes)) => {
                let wanted = if matches!(kind, BodyKind::Text) { MediaType::Text } else { MediaType::Any };
                let body = body::read(headers, body, self.body_limit, wanted).await?;
                received.payload = Payload::Read(body.unwrap_or_default());
            }
            Some(kind @ (BodyKind::Stream | BodyKind::Form)) => {
                let wanted = if matches!(kind, BodyKind::Form) { MediaType::Form } else { MediaType::Any };
                let body = body::share(headers, body, self.body_limit, wanted).await?;
                received.payload = Payload::Stream(BodyStream::new(Arc::clone(&body), self.body_limit));
                received.rest = Some(body);
            }
        }
        Ok(received)
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
