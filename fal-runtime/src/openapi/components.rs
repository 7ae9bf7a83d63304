//! The schemas that the document refers to.

use schemars::generate::{Contract, SchemaSettings};
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value};

use super::integer_bounds;
use super::order;
use crate::json::SchemaOf;

const PREFIX: &str = "#/components/schemas/";

/// The schemas of an app's inputs and outputs. A type that is both may differ: a field with a default is optional
/// in a request, but always present in an answer.
pub(super) struct Schemas {
    inputs: SchemaGenerator,
    outputs: SchemaGenerator,
}

/// Which side of the wire a schema describes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Side {
    Input,
    Output,
}

/// The names of types whose input and output schemas differ. Each becomes two components, named as FastAPI does:
/// `Item-Input` and `Item-Output`.
pub(super) struct Renames(Vec<String>);

impl Schemas {
    #[inline(never)]
    pub(super) fn new() -> Self {
        let generator = |contract| {
            let settings = SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = "/components/schemas".into();
                settings.contract = contract;
            });
            settings.with_transform(complete).into_generator()
        };
        Self { inputs: generator(Contract::Deserialize), outputs: generator(Contract::Serialize) }
    }

    pub(super) fn input(&mut self, schema: SchemaOf) -> Value {
        inline(schema.made_by(&mut self.inputs))
    }

    /// The schema of an input, inline, with its properties.
    pub(super) fn fields(&mut self, schema: SchemaOf) -> Value {
        inline(schema.inline(&mut self.inputs))
    }

    /// The schema of an input, with a reference resolved.
    pub(super) fn resolved(&mut self, schema: SchemaOf) -> Value {
        let schema = self.fields(schema);
        let referred =
            schema.get("$ref").and_then(Value::as_str).and_then(|reference| self.definition(reference));
        referred.cloned().unwrap_or(schema)
    }

    /// The definition of a reference in an input's schema.
    pub(super) fn definition(&self, reference: &str) -> Option<&Value> {
        self.inputs.definitions().get(reference.strip_prefix(PREFIX)?)
    }

    pub(super) fn output(&mut self, schema: SchemaOf) -> Value {
        inline(schema.made_by(&mut self.outputs))
    }

    /// The components of both sides.
    pub(super) fn finish(mut self) -> (Renames, Map<String, Value>) {
        let inputs = self.inputs.take_definitions(true);
        let outputs = self.outputs.take_definitions(true);
        let renames = Renames::between(&inputs, &outputs);
        let mut components = Map::new();
        for (side, definitions) in [(Side::Input, inputs), (Side::Output, outputs)] {
            for (name, mut schema) in definitions {
                renames.apply(side, &mut schema);
                components.insert(renames.name(side, &name), schema);
            }
        }
        (renames, components)
    }
}

/// Adds what schemars leaves out of a schema.
fn complete(schema: &mut Schema) {
    order::mark_properties(schema);
    integer_bounds::add_bounds(schema);
}

/// Completes an inline schema, since the generator only transforms its definitions.
fn inline(mut schema: Schema) -> Value {
    complete(&mut schema);
    schema.into()
}

impl Renames {
    /// Finds the types that differ, and those that refer to one.
    fn between(inputs: &Map<String, Value>, outputs: &Map<String, Value>) -> Self {
        let mut renames = Self(Vec::new());
        loop {
            let known = renames.0.len();
            for (name, input) in inputs {
                let Some(output) = outputs.get(name) else { continue };
                if !renames.has(name) && (input != output || renames.concern(input)) {
                    renames.0.push(name.clone());
                }
            }
            if renames.0.len() == known {
                return renames;
            }
        }
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|renamed| renamed == name)
    }

    /// Whether a schema refers to one of them.
    fn concern(&self, schema: &Value) -> bool {
        match schema {
            Value::Object(object) => object.iter().any(|(key, value)| match value {
                Value::String(reference) if key == "$ref" => {
                    reference.strip_prefix(PREFIX).is_some_and(|name| self.has(name))
                }
                value => self.concern(value),
            }),
            Value::Array(items) => items.iter().any(|item| self.concern(item)),
            _ => false,
        }
    }

    /// Renames the references of a schema to the components of its side.
    pub(super) fn apply(&self, side: Side, schema: &mut Value) {
        match schema {
            Value::Object(object) => {
                for (key, value) in object {
                    match value {
                        Value::String(reference) if key == "$ref" => {
                            if let Some(name) = reference.strip_prefix(PREFIX) {
                                *reference = format!("{PREFIX}{}", self.name(side, name));
                            }
                        }
                        value => self.apply(side, value),
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.apply(side, item)),
            _ => {}
        }
    }

    fn name(&self, side: Side, name: &str) -> String {
        if self.has(name) { format!("{name}-{side:?}") } else { name.to_owned() }
    }
}
