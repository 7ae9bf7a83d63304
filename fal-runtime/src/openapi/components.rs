//! The schemas that the document refers to.

use schemars::generate::{Contract, SchemaSettings};
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value};

use super::names::{Names, Types, referred, replace_references, text, types, unique};
use super::{any_schema, integer_bounds, order};
use crate::json::SchemaOf;

/// The schemas of an app's inputs and outputs. A type that is both may differ: a field with a default is optional
/// in a request, but always present in an answer.
#[derive(Debug)]
pub(crate) struct Schemas {
    inputs: SchemaGenerator,
    outputs: SchemaGenerator,
}

/// Which side of the wire a schema describes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Side {
    Input,
    Output,
}

/// The names of components, by the names that the generators gave to their types.
pub(super) struct Renames {
    inputs: Types,
    outputs: Types,
}

impl Schemas {
    #[inline(never)]
    pub(crate) fn new() -> Self {
        let generator = |contract| {
            let settings = SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = "/components/schemas".into();
                settings.contract = contract;
            });
            settings.with_transform(complete).into_generator()
        };
        Self { inputs: generator(Contract::Deserialize), outputs: generator(Contract::Serialize) }
    }

    pub(crate) fn input(&mut self, schema: SchemaOf) -> Value {
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
    pub(crate) fn definition(&self, reference: &str) -> Option<&Value> {
        self.inputs.definitions().get(&referred(reference)?)
    }

    pub(super) fn output(&mut self, schema: SchemaOf) -> Value {
        inline(schema.made_by(&mut self.outputs))
    }

    /// The components of both sides.
    pub(super) fn finish(mut self) -> (Renames, Map<String, Value>) {
        let [inputs, outputs] = [Definitions::take(&mut self.inputs), Definitions::take(&mut self.outputs)];
        let names = Names::of(&inputs.types, &outputs.types);
        let renames = Renames::between(&names, &inputs, &outputs);
        let (mut components, mut titles) = (Map::new(), Map::new());
        for (side, definitions) in [(Side::Input, inputs), (Side::Output, outputs)] {
            for (name, mut schema) in definitions.schemas {
                renames.apply(side, &mut schema);
                let component = renames.name(side, &name);
                if let Some(title) = definitions.types.get(&name).and_then(|id| names.title(id)) {
                    titles.insert(component.clone(), title.clone());
                }
                components.insert(component, schema);
            }
        }
        for (component, title) in &titles {
            // Some generators of clients name types by their titles, and take no two of one name.
            let is_unique = titles.values().filter(|known| *known == title).count() == 1;
            if let Some(schema) = components.get_mut(component).filter(|_| is_unique) {
                add_title(schema, title);
            }
        }
        (renames, components)
    }
}

/// The types that one generator has defined.
struct Definitions {
    types: Types,
    schemas: Map<String, Value>,
}

impl Definitions {
    fn take(generator: &mut SchemaGenerator) -> Self {
        Self { types: types(generator), schemas: generator.take_definitions(true) }
    }

    /// The schemas with their references by the names of all types.
    fn renamed(&self, names: &Types) -> Map<String, Value> {
        let rename = |name: &str| names.get(name).map_or(name, text).to_owned();
        let mut renamed = Map::new();
        for (name, schema) in &self.schemas {
            let mut schema = schema.clone();
            replace_references(&mut schema, &rename);
            renamed.insert(rename(name), schema);
        }
        renamed
    }
}

/// The title of a schema is the name of its type, unless the author has given it another.
fn add_title(schema: &mut Value, title: &Value) {
    if let Some(schema) = schema.as_object_mut()
        && !schema.contains_key("title")
    {
        schema.insert("title".to_owned(), title.clone());
    }
}

/// Adds what schemars leaves out of a schema.
fn complete(schema: &mut Schema) {
    order::mark_properties(schema);
    integer_bounds::add_bounds(schema);
    any_schema::replace_booleans(schema);
}

/// Completes an inline schema, since the generator only transforms its definitions.
fn inline(mut schema: Schema) -> Value {
    complete(&mut schema);
    schema.into()
}

impl Renames {
    /// Names the types. One whose schemas differ between the sides becomes two components, named as FastAPI does: `Item-Input`
    /// and `Item-Output`. So does one that refers to such a type.
    fn between(names: &Names, inputs: &Definitions, outputs: &Definitions) -> Self {
        let mut inputs_by_name = names.by_type(&inputs.types);
        let mut outputs_by_name = names.by_type(&outputs.types);
        let (inputs, outputs) = (inputs.renamed(&inputs_by_name), outputs.renamed(&outputs_by_name));
        let mut differing = Types::new();
        loop {
            let known = differing.len();
            for (name, input) in &inputs {
                let Some(output) = outputs.get(name) else { continue };
                if !differing.contains_key(name) && (input != output || refers_to(input, &differing)) {
                    differing.insert(name.clone(), Value::Null);
                }
            }
            if differing.len() == known {
                break;
            }
        }
        let mut taken = names.taken();
        for name in differing.keys() {
            for (side, by_name) in [(Side::Input, &mut inputs_by_name), (Side::Output, &mut outputs_by_name)]
            {
                let component = unique(format!("{name}-{side:?}"), &mut taken);
                for named in by_name.values_mut().filter(|named| text(named) == name) {
                    *named = component.as_str().into();
                }
            }
        }
        Self { inputs: inputs_by_name, outputs: outputs_by_name }
    }

    /// Renames the references of a schema to the components of its side.
    pub(super) fn apply(&self, side: Side, schema: &mut Value) {
        replace_references(schema, &|name| self.name(side, name));
    }

    fn name(&self, side: Side, name: &str) -> String {
        let names = match side {
            Side::Input => &self.inputs,
            Side::Output => &self.outputs,
        };
        names.get(name).map_or(name, text).to_owned()
    }
}

/// Whether a schema refers to one of these components.
fn refers_to(schema: &Value, names: &Types) -> bool {
    match schema {
        Value::Object(object) => object.iter().any(|(key, value)| match value {
            Value::String(reference) if key == "$ref" => {
                referred(reference).is_some_and(|name| names.contains_key(&name))
            }
            value => refers_to(value, names),
        }),
        Value::Array(items) => items.iter().any(|item| refers_to(item, names)),
        _ => false,
    }
}
