//! The types of an endpoint's parameters, by their names.
//!
//! serde buffers the fields of a flattened struct and of an untagged enum before it knows their types. Then it asks the deserializer
//! for any type, and a text cannot tell that it is a number. The schemas of the endpoint can.

use std::sync::Arc;

use http::request::Parts;
use indexmap::IndexMap;

/// The types of all parameters of an endpoint, by the parts of the request's head. A request carries it as an extension.
#[derive(Clone, Debug)]
pub(crate) struct ParameterTypes(pub(crate) Arc<[(&'static str, PartTypes)]>);

/// The types of the parameters of one part.
#[derive(Clone, Debug, Default)]
pub(crate) struct PartTypes {
    pub(crate) named: IndexMap<String, FieldType>,
    /// The type of further names, if there may be any.
    pub(crate) additional: Option<FieldType>,
}

/// The type of a parameter.
#[derive(Clone, Debug)]
pub(crate) struct FieldType {
    pub(crate) is_list: bool,
    /// What a text may be, in the order in which they are tried. Empty: it stays a text.
    pub(crate) scalars: Vec<ScalarType>,
}

/// The type of a value that a text may stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScalarType {
    /// An integer of the type with this name.
    Integer(&'static str),
    Number,
    Boolean,
    Text,
}

impl ParameterTypes {
    /// The types of a part of this request's head, if its endpoint has declared them.
    pub(crate) fn of<'a>(head: &'a Parts, part: &str) -> Option<&'a PartTypes> {
        let Self(parts) = head.extensions.get()?;
        parts.iter().find(|(known, _)| *known == part).map(|(_, types)| types)
    }
}

impl PartTypes {
    pub(super) fn get(&self, name: &str) -> Option<&FieldType> {
        self.named.get(name).or(self.additional.as_ref())
    }
}

impl ScalarType {
    /// Its name, as serde writes it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Integer(name) => name,
            Self::Number => "f64",
            Self::Boolean => "bool",
            Self::Text => "a string",
        }
    }
}
