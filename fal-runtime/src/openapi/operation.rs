use fal_health::HealthCheck;
use serde_json::{Map, Value, json};

use super::components::{Renames, Schemas, Side};
use super::failures::{self, Failure};
use super::{answer, parameters};
use crate::Endpoint;

/// One endpoint, as the document describes it.
pub(super) struct Operation {
    endpoint: &'static Endpoint,
    /// What a client sends: `parameters` and `requestBody`, where there are any.
    request: Map<String, Value>,
    /// What it may be answered with, by status.
    responses: Map<String, Value>,
}

impl Operation {
    pub(super) fn new(endpoint: &'static Endpoint, schemas: &mut Schemas) -> Self {
        let mut request = Map::new();
        let parameters = parameters::of(endpoint, schemas);
        if !parameters.is_empty() {
            request.insert("parameters".into(), parameters.into());
        }
        if let Some(body) = endpoint.body() {
            let body = json!({ "required": !endpoint.may_lack_its_body(), "content": content(&schemas.input(body)) });
            request.insert("requestBody".into(), body);
        }
        let undocumented = parameters::undocumented(endpoint);
        if !undocumented.is_empty() {
            request.insert("x-fal-undocumented-arguments".into(), undocumented.into());
        }
        let mut responses = Map::from_iter(answer::of(endpoint, schemas));
        for Failure { status, description, schema } in failures::of(endpoint, schemas) {
            responses.insert(status, response(&description, &schema));
        }
        Self { endpoint, request, responses }
    }

    /// Makes it refer to the components by the names that they have in the document.
    pub(super) fn rename(&mut self, renames: &Renames) {
        self.request.values_mut().for_each(|part| renames.apply(Side::Input, part));
        self.responses.values_mut().for_each(|response| renames.apply(Side::Output, response));
    }

    /// Its path, and what may be done there: POST, and GET besides where it is the health check (S5).
    pub(super) fn path_item(self) -> (String, Value) {
        let name = self.endpoint.name();
        let item = match self.endpoint.is_health_check() {
            None => json!({ "post": self.describe(name) }),
            Some(config) => {
                let mut check = self.describe(name);
                check.insert("x-fal-health-check".into(), settings(&config));
                // No function of an app can have this name.
                json!({ "get": self.describe(&format!("{name}-get")), "post": check })
            }
        };
        (self.endpoint.path().into(), item)
    }

    fn describe(&self, id: &str) -> Map<String, Value> {
        let mut operation = Map::from_iter([("operationId".to_owned(), id.into())]);
        let texts = [("summary", self.endpoint.summary()), ("description", self.endpoint.description())];
        let texts = texts.into_iter().filter(|(_, text)| !text.is_empty());
        operation.extend(texts.map(|(key, text)| (key.to_owned(), text.into())));
        operation.extend(self.request.clone());
        operation.insert("responses".into(), self.responses.clone().into());
        operation
    }
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
