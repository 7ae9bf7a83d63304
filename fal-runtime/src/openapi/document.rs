//! The OpenAPI document of an app.

use serde_json::{Map, Value};

use super::components::Schemas;
use super::operation::Operation;
use super::{order, security};
use crate::app::Declaration;
use crate::json::{add, add_texts, object, parse_static};

/// The path of the built-in health answer (S6).
pub(crate) const HEALTH_PATH: &str = "/health";

impl Declaration {
    /// The OpenAPI 3.1 document.
    pub fn openapi(&self) -> Value {
        document(self)
    }
}

/// The OpenAPI 3.1 document of an app.
fn document(app: &Declaration) -> Value {
    let settings = &app.settings;
    let mut info = Map::new();
    add_texts(
        &mut info,
        &[
            ("title", settings.name()),
            ("version", settings.version()),
            ("description", settings.description()),
        ],
    );
    let (operations, schemas) = operations(app);
    let mut components = object([("schemas", schemas.into())]);
    let security =
        security::definitions(operations.iter().flat_map(|operation| operation.security.schemes()));
    if !security.is_empty() {
        add(&mut components, "securitySchemes", security.into());
    }
    let mut paths = Map::new();
    for operation in operations {
        let path_item = paths.entry(operation.path()).or_insert_with(|| Map::new().into());
        if let Some(path_item) = path_item.as_object_mut() {
            operation.add_to(path_item);
        }
    }
    if !paths.contains_key(HEALTH_PATH) {
        add(&mut paths, HEALTH_PATH, built_in_health());
    }
    let mut document = object([
        ("openapi", "3.1.0".into()),
        ("info", info.into()),
        ("paths", paths.into()),
        ("components", components.into()),
    ]);
    order::mark_paths(&mut document);
    document.into()
}

/// The operations with their schemas, and the schemas that these refer to.
fn operations(app: &Declaration) -> (Vec<Operation>, Map<String, Value>) {
    let mut schemas = Schemas::new();
    let limit = app.settings.body_limit();
    let endpoints = app.endpoints().into_iter();
    let mut operations: Vec<_> = endpoints.map(|row| Operation::new(row, limit, &mut schemas)).collect();
    let (renames, components) = schemas.finish();
    for operation in &mut operations {
        operation.rename(&renames);
    }
    (operations, components)
}

/// The built-in health answer (S6). No function can have the name of its operation.
fn built_in_health() -> Value {
    parse_static(
        r#"{
            "get": {
                "operationId": "built-in-health",
                "summary": "Says which version answers.",
                "responses": {
                    "200": {
                        "description": "The app's version",
                        "content": {
                            "application/json": {
                                "schema": {
                                    "type": "object",
                                    "properties": { "version": { "type": "string" } },
                                    "required": ["version"]
                                }
                            }
                        }
                    }
                }
            }
        }"#,
    )
}
