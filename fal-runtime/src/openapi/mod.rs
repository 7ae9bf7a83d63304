//! The OpenAPI document, from the same table as the router.

mod answer;
mod components;
mod failures;
mod forms;
mod misfits;
mod operation;
mod order;
mod parameters;
mod ranges;
mod unchecked;

use serde_json::{Map, Value};

use crate::router::HEALTH;
use crate::{Declaration, Endpoint};
use components::Schemas;
use operation::Operation;

/// The OpenAPI 3.1 document of an app.
pub(crate) fn document(app: &Declaration) -> Value {
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
    let (operations, schemas) = operations(&app.endpoints());
    let mut paths = Map::new();
    for operation in operations {
        add(&mut paths, operation.path(), operation.path_item());
    }
    if !paths.contains_key(HEALTH) {
        add(&mut paths, HEALTH, built_in_health());
    }
    let mut document = object([
        ("openapi", "3.1.0".into()),
        ("info", info.into()),
        ("paths", paths.into()),
        ("components", object([("schemas", schemas.into())]).into()),
    ]);
    order::mark_paths(&mut document);
    document.into()
}

/// What is wrong with what endpoints take, and shows only when their types describe themselves, a sentence each.
pub(crate) fn misfits(endpoints: &[&'static Endpoint]) -> Vec<String> {
    said(endpoints, misfits::of)
}

/// What the document promises of what endpoints take, and fal-runtime does not check, a sentence each.
pub(crate) fn unchecked(endpoints: &[&'static Endpoint]) -> Vec<String> {
    said(endpoints, unchecked::of)
}

fn said(endpoints: &[&'static Endpoint], say: fn(&Endpoint, &mut Schemas, &mut Vec<String>)) -> Vec<String> {
    let (mut schemas, mut said) = (Schemas::new(), Vec::new());
    for endpoint in endpoints {
        say(endpoint, &mut schemas, &mut said);
    }
    said
}

/// An object of these members, in this order. `json!` would write out its making wherever it is used.
#[inline(never)]
pub(crate) fn object<const N: usize>(members: [(&str, Value); N]) -> Map<String, Value> {
    let mut object = Map::new();
    for (key, value) in members {
        add(&mut object, key, value);
    }
    object
}

#[inline(never)]
fn add(object: &mut Map<String, Value>, key: &str, value: Value) {
    object.insert(key.to_owned(), value);
}

/// Adds those texts that say something.
fn add_texts(object: &mut Map<String, Value>, texts: &[(&str, &str)]) {
    for (key, text) in texts {
        if !text.is_empty() {
            add(object, key, (*text).into());
        }
    }
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

/// The answer for people (S6). No function of an app can have the name of this operation.
fn built_in_health() -> Value {
    fixed(
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

/// A part of the document that is always the same.
fn fixed(text: &str) -> Value {
    // Every one is read in a test.
    serde_json::from_str(text).unwrap_or_default()
}
