//! The error responses of an endpoint.

use serde_json::Value;

use super::components::Schemas;
use super::parameters;
use crate::endpoint::Endpoint;
use crate::error::{DeclaredFailure, HostError, HttpError, HttpValidationError};
use crate::json::{SchemaOf, object};

/// One error response of an endpoint.
pub(super) struct ErrorResponse {
    /// The status, or `default` for all others.
    pub(super) status: String,
    pub(super) description: String,
    pub(super) schema: Value,
}

/// The error responses of an endpoint, by status.
pub(super) fn of(endpoint: &Endpoint, schemas: &mut Schemas) -> Vec<ErrorResponse> {
    let told = schemas.output(SchemaOf::of::<HttpError<'_>>());
    let invalid = schemas.output(SchemaOf::of::<HttpValidationError<'_>>());
    let host = schemas.output(SchemaOf::of::<HostError>());
    let takes_body = endpoint.body().is_some();
    let may_be_invalid = takes_body || parameters::may_be_invalid(endpoint);
    let is_check = endpoint.health_check().is_some();
    let of_all = [
        (takes_body, "408", "The client sent the body too slowly", &host),
        (takes_body, "413", "The body is too large", &told),
        (takes_body, "415", "The body is not sent as JSON", &told),
        (may_be_invalid, "422", "The request does not match the schema", &invalid),
        (true, "500", "The endpoint failed", &told),
        // The host's error body has this schema, too.
        (
            is_check,
            "503",
            "An earlier check is past its deadline and still runs, or no runner took the request",
            &told,
        ),
        (!is_check, "503", "No runner took the request", &host),
        (true, "504", "No runner took the request in time, or the endpoint did not respond in time", &host),
    ];
    let mut failures = Vec::new();
    for (can_be, status, description, schema) in of_all {
        if can_be {
            failures.push(ErrorResponse::new(status, description, schema));
        }
    }
    for declared in endpoint.failures() {
        add(&mut failures, declared, &told);
    }
    failures.push(ErrorResponse::new("default", "An error that the endpoint returns", &told));
    failures
}

impl ErrorResponse {
    fn new(status: &str, description: &str, schema: &Value) -> Self {
        Self { status: status.to_owned(), description: description.to_owned(), schema: schema.clone() }
    }
}

/// Merges a declared failure into the response of its status.
fn add(failures: &mut Vec<ErrorResponse>, declared: &DeclaredFailure, told: &Value) {
    let (status, detail) = (declared.status(), declared.detail());
    match failures.iter_mut().find(|failure| failure.status == status.as_str()) {
        Some(known) if known.description.contains(detail) => {}
        Some(known) => {
            known.description = format!("{}; or: {detail}", known.description);
            // The common schema. A list of errors has another one.
            known.schema = match known.status.as_str() {
                "422" => object([("anyOf", vec![known.schema.take(), told.clone()].into())]).into(),
                _ => told.clone(),
            };
        }
        None => failures.push(ErrorResponse::new(status.as_str(), detail, told)),
    }
}
