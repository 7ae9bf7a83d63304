use schemars::JsonSchema;
use serde_json::{Value, json};

use super::components::Schemas;
use super::parameters;
use crate::error::{HttpError, HttpValidationError};
use crate::{DeclaredFailure, Endpoint};

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
    pub(super) status: String,
    pub(super) description: String,
    pub(super) schema: Value,
}

/// Every failure that a client of an endpoint may read, by status.
pub(super) fn of(endpoint: &Endpoint, schemas: &mut Schemas) -> Vec<Failure> {
    let told = schemas.output_of::<HttpError>();
    let invalid = schemas.output_of::<HttpValidationError>();
    let host = schemas.output_of::<HostError>();
    let failure = |status: &str, description: &str, schema: &Value| Failure {
        status: status.to_owned(),
        description: description.to_owned(),
        schema: schema.clone(),
    };
    let mut failures = Vec::new();
    if endpoint.body().is_some() {
        failures.extend([
            failure("413", "The body is too large", &told),
            failure("415", "The body is not sent as JSON", &told),
        ]);
    }
    if endpoint.body().is_some() || parameters::may_be_invalid(endpoint) {
        failures.push(failure("422", "The request does not have the schema", &invalid));
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
    for declared in endpoint.failures() {
        add(&mut failures, declared, &told);
    }
    failures.push(failure("default", "A failure that the endpoint tells", &told));
    failures
}

/// Adds what an error declares of itself to what is known of that status.
fn add(failures: &mut Vec<Failure>, declared: &DeclaredFailure, told: &Value) {
    let (status, detail) = (declared.status().as_str().to_owned(), declared.detail());
    match failures.iter_mut().find(|failure| failure.status == status) {
        Some(known) if known.description.contains(detail) => {}
        Some(known) => {
            known.description = format!("{}; or: {detail}", known.description);
            // What all of them have. The list of mistakes is another form.
            known.schema = match known.status.as_str() {
                "422" => json!({ "anyOf": [known.schema, told] }),
                _ => told.clone(),
            };
        }
        None => failures.push(Failure { status, description: detail.to_owned(), schema: told.clone() }),
    }
}
