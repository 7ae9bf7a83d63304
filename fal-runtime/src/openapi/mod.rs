//! The OpenAPI document, from the same table as the router.

mod answer;
mod components;
mod failures;
mod operation;
mod order;
mod parameters;
mod ranges;

use serde_json::{Map, Value, json};

use crate::router::HEALTH;
use crate::{Declaration, Endpoint};
use components::Schemas;
use operation::Operation;

/// The OpenAPI 3.1 document of an app.
pub(crate) fn document(app: &Declaration) -> Value {
    let settings = &app.settings;
    let info = [
        ("title", settings.name()),
        ("version", settings.version()),
        ("description", settings.description()),
    ];
    let info: Map<_, _> = info
        .into_iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(key, text)| (key.to_owned(), Value::from(text)))
        .collect();
    let endpoints = app.endpoints();
    let (operations, schemas) = operations(&endpoints);
    let mut paths: Map<String, Value> = operations.into_iter().map(Operation::path_item).collect();
    if !paths.contains_key(HEALTH) {
        paths.insert(HEALTH.into(), built_in_health());
    }
    let mut document = Map::from_iter([
        ("openapi".to_owned(), "3.1.0".into()),
        ("info".to_owned(), info.into()),
        ("paths".to_owned(), paths.into()),
        ("components".to_owned(), json!({ "schemas": schemas })),
    ]);
    order::mark_paths(&mut document);
    document.into()
}

/// The operations with their schemas, and the schemas that these refer to.
fn operations(endpoints: &[&'static Endpoint]) -> (Vec<Operation>, Map<String, Value>) {
    let mut schemas = Schemas::new();
    let mut operations: Vec<_> = endpoints.iter().map(|row| Operation::new(row, &mut schemas)).collect();
    let (renames, components) = schemas.finish();
    for operation in &mut operations {
        operation.rename(&renames);
    }
    (operations, components)
}

/// The answer for people (S6).
fn built_in_health() -> Value {
    let version = json!({
        "type": "object",
        "properties": { "version": { "type": "string" } },
        "required": ["version"],
    });
    json!({
        "get": {
            // No function of an app can have this name.
            "operationId": "built-in-health",
            "summary": "Says which version answers.",
            "responses": { "200": operation::response("The app's version", &version) },
        },
    })
}
