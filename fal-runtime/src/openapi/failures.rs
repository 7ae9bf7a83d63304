use schemars::JsonSchema;
use serde_json::Value;

use super::components::Schemas;
use crate::Endpoint;
use crate::error::{HttpError, HttpValidationError};

/// What a client reads when it is the host that failed, not the endpoint (S38).
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only described: the host writes it")]
struct HostError {
    /// What went wrong.
    detail: String,
    /// What went wrong, for programs.
    error_type: HostErrorType,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
#[expect(dead_code, reason = "only described: the host writes it")]
enum HostErrorType {
    /// Too many requests wait already.
    QueueFull,
    /// No runner took the request in time.
    QueueTimeout,
    /// The endpoint took too long.
    RequestTimeout,
    /// The runner was lost before it had answered.
    RunnerDisconnected,
    /// The host is stopping.
    HostStopping,
}

/// One way in which an endpoint can fail.
pub(super) struct Failure {
    /// The status, or `default` for those that nothing else tells of.
    pub(super) status: &'static str,
    pub(super) description: &'static str,
    pub(super) schema: Value,
}

/// Every failure that a client of an endpoint may read, by status.
pub(super) fn of(endpoint: &Endpoint, schemas: &mut Schemas) -> Vec<Failure> {
    let told = schemas.output_of::<HttpError>();
    let invalid = schemas.output_of::<HttpValidationError>();
    let host = schemas.output_of::<HostError>();
    let failure =
        |status, description, schema: &Value| Failure { status, description, schema: schema.clone() };
    let mut failures = Vec::new();
    if endpoint.body().is_some() {
        failures.extend([
            failure("413", "The body is too large", &told),
            failure("415", "The body is not sent as JSON", &told),
            failure("422", "The body does not have the schema", &invalid),
        ]);
    }
    failures.push(failure("500", "The endpoint failed", &told));
    failures.push(match endpoint.is_health_check() {
        // The host's form is one of this, too: what it adds is no part of what both have.
        Some(_) => failure(
            "503",
            "An earlier check is past its deadline and still runs, or no runner is left",
            &told,
        ),
        None => failure("503", "No runner is left for the request", &host),
    });
    failures.push(failure("504", "No runner took the request, or answered it, in time", &host));
    failures.push(failure("default", "A failure that the endpoint tells", &told));
    failures
}
