use fal_health::HealthCheck;
use serde_json::{Map, Value, json};

use super::components::{Renames, Schemas, Side};
use crate::Endpoint;
use crate::error::{HttpError, HttpValidationError};

/// One endpoint, as the document describes it.
pub(super) struct Operation {
    endpoint: &'static Endpoint,
    input: Option<Value>,
    output: Value,
    failure: Value,
    invalid: Value,
}

impl Operation {
    pub(super) fn new(endpoint: &'static Endpoint, schemas: &mut Schemas) -> Self {
        Self {
            endpoint,
            input: endpoint.body().map(|body| schemas.input(body)),
            output: schemas.output(endpoint.output()),
            failure: schemas.output_of::<HttpError>(),
            invalid: schemas.output_of::<HttpValidationError>(),
        }
    }

    pub(super) fn rename(&mut self, renames: &Renames) {
        if let Some(input) = &mut self.input {
            renames.apply(Side::Input, input);
        }
        for output in [&mut self.output, &mut self.failure, &mut self.invalid] {
            renames.apply(Side::Output, output);
        }
    }

    /// Its path, and what may be done there: POST, and GET besides where it is the health check (S5).
    pub(super) fn path_item(&self) -> (String, Value) {
        let name = self.endpoint.name();
        let mut item = Map::new();
        if let Some(config) = self.endpoint.is_health_check() {
            // No function of an app can have this name.
            item.insert("get".into(), self.describe(&format!("{name}-get")).into());
            let mut check = self.describe(name);
            check.insert("x-fal-health-check".into(), settings(&config));
            item.insert("post".into(), check.into());
        } else {
            item.insert("post".into(), self.describe(name).into());
        }
        (self.endpoint.path().into(), item.into())
    }

    fn describe(&self, id: &str) -> Map<String, Value> {
        let endpoint = self.endpoint;
        let mut operation = Map::new();
        let mut add = |key: &str, value: Value| operation.insert(key.into(), value);
        add("operationId", id.into());
        for (key, text) in [("summary", endpoint.summary()), ("description", endpoint.description())] {
            if !text.is_empty() {
                add(key, text.into());
            }
        }
        let parameters: Vec<_> = parameters(endpoint.path()).collect();
        if !parameters.is_empty() {
            add("parameters", parameters.into());
        }
        if let Some(input) = &self.input {
            add("requestBody", json!({ "required": true, "content": content(input) }));
        }
        add("responses", self.responses().into());
        operation
    }

    fn responses(&self) -> Map<String, Value> {
        let mut responses = Map::new();
        let mut add = |status: &str, description, schema: &Value| {
            responses.insert(status.into(), response(description, schema));
        };
        add("200", "The answer", &self.output);
        if self.input.is_some() {
            add("413", "The body is too large", &self.failure);
            add("415", "The body is not sent as JSON", &self.failure);
            add("422", "The body does not have the schema", &self.invalid);
        }
        add("500", "The endpoint failed", &self.failure);
        if self.endpoint.is_health_check().is_some() {
            add("503", "An earlier health check is past its deadline and still runs", &self.failure);
        }
        add("default", "A failure that the endpoint tells", &self.failure);
        responses
    }
}

/// The parameters of a path; a segment each.
fn parameters(path: &str) -> impl Iterator<Item = Value> {
    let names = path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    names.map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
}

pub(super) fn response(description: &str, schema: &Value) -> Value {
    json!({ "description": description, "content": content(schema) })
}

fn content(schema: &Value) -> Value {
    json!({ "application/json": { "schema": schema } })
}

/// The settings of a health check, by the names of its options.
fn settings(config: &HealthCheck) -> Value {
    json!({
        "start_period_seconds": config.start_period().as_secs(),
        "timeout_seconds": config.timeout().as_secs(),
        "failure_threshold": config.threshold(),
        "call_regularly": config.is_periodic(),
    })
}
