//! The OpenAPI document, from the same table as the router.

mod answer;
mod any_schema;
mod components;
mod document;
mod failures;
mod fields;
mod integer_bounds;
mod invalid_extractors;
mod media;
mod messages;
mod names;
mod operation;
mod order;
mod parameter_types;
mod parameters;
mod security;
mod unenforced_rules;
mod version_3_0;

pub(crate) use components::Schemas;
pub(crate) use document::HEALTH_PATH;
pub(crate) use fields::types;
pub(crate) use integer_bounds::type_name;
pub(crate) use parameter_types::parameter_types;
