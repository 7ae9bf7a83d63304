//! One operation of the document.

use fal_health::HealthCheck;
use serde_json::{Map, Value};

use super::answer;
use super::components::{Renames, Schemas, Side};
use super::failures::{self, ErrorResponse};
use super::media::{bytes_content, content, form_content, json_content, response, with_headers};
use super::parameters;
use super::security::Security;
use crate::endpoint::{BodyKind, Endpoint, EndpointMethod};
use crate::json::{add, add_texts, object, parse_static};

/// The operation of one endpoint.
pub(super) struct Operation {
    endpoint: &'static Endpoint,
    /// The `parameters` and the `requestBody`, if there are any.
    request: Map<String, Value>,
    /// The responses, by status.
    responses: Map<String, Value>,
    pub(super) security: Security,
}

impl Operation {
    /// `body_limit` is the app's, in bytes.
    pub(super) fn new(endpoint: &'static Endpoint, body_limit: usize, schemas: &mut Schemas) -> Self {
        let mut request = Map::new();
        let (parameters, security) = parameters::of(endpoint, schemas);
        if let Some(requirements) = security.requirements() {
            add(&mut request, "security", requirements);
        }
        if !parameters.is_empty() {
            add(&mut request, "parameters", parameters.into());
        }
        if let Some(body) = endpoint.body() {
            let content = match body {
                BodyKind::Json(schema) => json_content(schemas.input(schema)),
                BodyKind::Text => content("text/plain", parse_static(r#"{ "type": "string" }"#)),
                BodyKind::Bytes | BodyKind::Stream => bytes_content(),
                BodyKind::Form => form_content(),
            };
            let is_required =
                matches!(body, BodyKind::Json(_) | BodyKind::Form) && !endpoint.is_body_optional();
            let limit = endpoint.own_body_limit().unwrap_or(body_limit);
            let mut body = object([("required", is_required.into()), ("content", content)]);
            add(&mut body, "x-fal-body-limit", limit.into());
            add(&mut request, "requestBody", body.into());
        }
        let undocumented = parameters::undocumented(endpoint);
        if !undocumented.is_empty() {
            add(&mut request, "x-fal-undocumented-arguments", undocumented.into());
        }
        let mut responses = answer::of(endpoint, schemas);
        for ErrorResponse { status, description, schema, headers } in
            failures::of(endpoint, &security, schemas)
        {
            add(&mut responses, &status, with_headers(response(&description, schema), &headers));
        }
        Self { endpoint, request, responses, security }
    }

    /// Renames its references to the components of the document.
    pub(super) fn rename(&mut self, renames: &Renames) {
        self.request.values_mut().for_each(|part| renames.apply(Side::Input, part));
        self.responses.values_mut().for_each(|response| renames.apply(Side::Output, response));
    }

    pub(super) fn path(&self) -> &'static str {
        self.endpoint.path()
    }

    /// Adds an operation for each method that it answers to the item of its path (S5).
    pub(super) fn add_to(&self, path_item: &mut Map<String, Value>) {
        let name = self.endpoint.name();
        let check = self.endpoint.health_check();
        for method in self.endpoint.methods() {
            let operation = match (method, &check) {
                // No function can have this name.
                (EndpointMethod::GET, Some(_)) => self.describe(&format!("{name}-get")),
                (_, Some(config)) => {
                    let mut operation = self.describe(name);
                    add(&mut operation, "x-fal-health-check", settings(config));
                    operation
                }
                (_, None) => self.describe(name),
            };
            add(path_item, &method.as_str().to_ascii_lowercase(), operation.into());
        }
    }

    fn describe(&self, id: &str) -> Map<String, Value> {
        let mut operation = object([("operationId", id.into())]);
        let summary = match self.endpoint.summary() {
            "" => words(self.endpoint.name()),
            summary => summary.to_owned(),
        };
        add_texts(
            &mut operation,
            &[("summary", summary.as_str()), ("description", self.endpoint.description())],
        );
        if self.endpoint.is_deprecated() {
            add(&mut operation, "deprecated", true.into());
        }
        operation.extend(self.request.clone());
        add(&mut operation, "responses", self.responses.clone().into());
        operation
    }
}

/// The words of a function's name: `say_hello` is `Say Hello`, as in FastAPI.
fn words(name: &str) -> String {
    let capitalized = name.split('_').filter_map(|word| {
        let first = word.chars().next()?;
        Some(first.to_uppercase().chain(word.chars().skip(1)).collect::<String>())
    });
    capitalized.collect::<Vec<_>>().join(" ")
}

/// The settings of a health check, by the names of its options.
fn settings(config: &HealthCheck) -> Value {
    object([
        ("start_period_seconds", config.start_period().as_secs().into()),
        ("timeout_seconds", config.timeout().as_secs().into()),
        ("failure_threshold", config.threshold().into()),
        ("call_regularly", config.is_periodic().into()),
    ])
    .into()
}
