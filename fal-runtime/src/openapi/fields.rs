//! The fields of a type that is read from named texts: a query, headers or cookies.

use serde_json::{Map, Value};

use super::components::Schemas;
use crate::json::object;

/// One field.
pub(super) struct Field {
    pub(super) name: String,
    pub(super) schema: Value,
    pub(super) is_required: bool,
}

/// The fields of a schema, in their order. An enum without a tag has those of all its variants. `additional` is the schema of
/// further names, if there may be any.
#[derive(Default)]
pub(super) struct NamedFields {
    pub(super) named: Vec<Field>,
    pub(super) additional: Option<Value>,
}

impl NamedFields {
    /// The fields of the schema, following references.
    pub(super) fn of(schema: &Value, schemas: &Schemas) -> Self {
        let mut fields = Self::default();
        fields.collect(schema, schemas, &mut Vec::new());
        fields
    }

    fn collect(&mut self, schema: &Value, schemas: &Schemas, seen: &mut Vec<String>) {
        let Some(schema) = schema.as_object() else { return };
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str)
            && !seen.iter().any(|known| known == reference)
            && let Some(definition) = schemas.definition(reference)
        {
            seen.push(reference.to_owned());
            self.collect(definition, schemas, seen);
            seen.pop();
        }
        self.properties(schema);
        if let Some(additional) = schema.get("additionalProperties").filter(|schema| **schema != false) {
            let of_any_type = || object([("type", "string".into())]).into();
            self.additional.get_or_insert_with(|| {
                if additional.is_object() { additional.clone() } else { of_any_type() }
            });
        }
        for all in members(schema, "allOf") {
            self.collect(all, schemas, seen);
        }
        for keyword in ["anyOf", "oneOf"] {
            self.alternatives(members(schema, keyword), schemas, seen);
        }
    }

    fn properties(&mut self, schema: &Map<String, Value>) {
        let required = schema.get("required").and_then(Value::as_array);
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            let is_required = required.is_some_and(|required| required.iter().any(|known| known == name));
            self.add(Field { name: name.clone(), schema: property.clone(), is_required });
        }
    }

    /// Adds the fields of alternatives. A field is required if every alternative requires it.
    fn alternatives(&mut self, alternatives: &[Value], schemas: &Schemas, seen: &mut Vec<String>) {
        let alternatives: Vec<_> = alternatives
            .iter()
            .map(|alternative| {
                let mut fields = Self::default();
                fields.collect(alternative, schemas, seen);
                fields
            })
            .collect();
        let is_required_by_all = |name: &str| {
            alternatives
                .iter()
                .all(|fields| fields.named.iter().any(|field| field.name == name && field.is_required))
        };
        let required: Vec<_> = alternatives
            .iter()
            .flat_map(|fields| &fields.named)
            .map(|field| is_required_by_all(&field.name))
            .collect();
        let (named, additional): (Vec<_>, Vec<_>) =
            alternatives.into_iter().map(|fields| (fields.named, fields.additional)).unzip();
        for (field, is_required) in named.into_iter().flatten().zip(required) {
            self.add(Field { is_required, ..field });
        }
        self.additional = self.additional.take().or_else(|| additional.into_iter().flatten().next());
    }

    /// Adds a field, or another schema of a known one.
    fn add(&mut self, field: Field) {
        let Some(known) = self.named.iter_mut().find(|known| known.name == field.name) else {
            self.named.push(field);
            return;
        };
        known.is_required |= field.is_required;
        if known.schema == field.schema {
            return;
        }
        match known.schema.get_mut("anyOf").and_then(Value::as_array_mut) {
            Some(all) if !all.contains(&field.schema) => all.push(field.schema),
            Some(_) => {}
            None => {
                let both = vec![known.schema.take(), field.schema];
                known.schema = object([("anyOf", both.into())]).into();
            }
        }
    }
}

/// The schemas under a keyword.
fn members<'a>(schema: &'a Map<String, Value>, keyword: &str) -> &'a [Value] {
    schema.get(keyword).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The types that a schema allows.
pub(crate) fn types(schema: &Value) -> impl Iterator<Item = &str> {
    let kind = schema.get("type");
    let several = kind.and_then(Value::as_array);
    several.into_iter().flatten().chain(kind).filter_map(Value::as_str)
}
