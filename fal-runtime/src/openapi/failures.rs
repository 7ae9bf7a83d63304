//! The error responses of an endpoint.

use serde_json::Value;

use super::components::Schemas;
use super::parameters;
use super::security::Security;
use crate::answer::Content;
use crate::endpoint::{Endpoint, EndpointMethod};
use crate::error::{DeclaredFailure, HostError, HttpError, HttpValidationError};
use crate::json::{SchemaOf, object};

/// One error response of an endpoint.
pub(super) struct ErrorResponse {
    /// The status, or `default` for all others.
    pub(super) status: String,
    pub(super) description: String,
    pub(super) schema: Value,
    /// The names of its headers.
    pub(super) headers: Vec<&'static str>,
}

/// The error responses of an endpoint, by status.
pub(super) fn of(endpoint: &Endpoint, security: &Security, schemas: &mut Schemas) -> Vec<ErrorResponse> {
    let told = schemas.output(SchemaOf::of::<HttpError<'_>>());
    let invalid = schemas.output(SchemaOf::of::<HttpValidationError<'_>>());
    let host = schemas.output(SchemaOf::of::<HostError>());
    // An endpoint may return an error of any status, and such an error has the common schema.
    let host_or_own = any_of(&host, &told);
    let invalid_or_own = any_of(&invalid, &told);
    let takes_body = endpoint.body().is_some();
    let may_be_invalid = endpoint.json_body().is_some() || parameters::may_be_invalid(endpoint);
    let is_check = endpoint.health_check().is_some();
    let authenticates = !security.schemes().is_empty();
    let is_web_socket = parameters::is_web_socket(endpoint);
    let is_file =
        matches!(endpoint.content(), Content::File) && endpoint.methods().contains(&EndpointMethod::GET);
    let of_all = [
        (is_web_socket, "400", "The request is not the handshake of a WebSocket", &told),
        (authenticates, "401", "The request is not authenticated", &told),
        (authenticates, "403", "The client may not do this", &told),
        (takes_body, "408", "The client sent the body too slowly", &host_or_own),
        (is_file, "412", "The file is not the one that the request expects", &told),
        (takes_body, "413", "The body is too large", &told),
        (takes_body, "415", "The media type or the coding of the body is not supported", &told),
        (is_file, "416", "The range begins after the file", &told),
        (may_be_invalid, "422", "The request does not match the schema", &invalid_or_own),
        (true, "500", "The endpoint failed", &told),
        // The host's error body has this schema, too.
        (
            is_check,
            "503",
            "An earlier check is past its deadline and still runs, or no runner took the request",
            &told,
        ),
        (!is_check, "503", "No runner took the request", &host_or_own),
        (
            true,
            "504",
            "No runner took the request in time, or the endpoint did not respond in time",
            &host_or_own,
        ),
    ];
    let mut failures = Vec::new();
    for (can_be, status, description, schema) in of_all {
        if can_be {
            failures.push(ErrorResponse::new(status, description, schema));
        }
    }
    if let Some(behind) = failures.iter_mut().find(|failure| failure.status == "416") {
        behind.headers.push("content-range");
    }
    for declared in endpoint.failures() {
        add(&mut failures, declared, &told);
    }
    failures.push(ErrorResponse::new("default", "An error that the endpoint returns", &told));
    failures
}

impl ErrorResponse {
    fn new(status: &str, description: &str, schema: &Value) -> Self {
        Self {
            status: status.to_owned(),
            description: description.to_owned(),
            schema: schema.clone(),
            headers: Vec::new(),
        }
    }
}

/// A schema that accepts what one of two accepts.
fn any_of(one: &Value, other: &Value) -> Value {
    object([("anyOf", vec![one.clone(), other.clone()].into())]).into()
}

/// Merges a declared failure into the response of its status. All others have the common schema, or accept it.
fn add(failures: &mut Vec<ErrorResponse>, declared: &DeclaredFailure, told: &Value) {
    let (status, detail) = (declared.status(), declared.detail());
    let known = failures.iter().position(|failure| failure.status == status.as_str());
    let known = known.unwrap_or_else(|| {
        failures.push(ErrorResponse::new(status.as_str(), detail, told));
        failures.len() - 1
    });
    let Some(failure) = failures.get_mut(known) else { return };
    if !failure.description.contains(detail) {
        failure.description = format!("{}; or: {detail}", failure.description);
    }
    for name in declared.headers() {
        if !failure.headers.contains(name) {
            failure.headers.push(name);
        }
    }
}
