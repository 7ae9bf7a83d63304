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
mod parameters;
mod security;
mod unenforced_rules;

pub(crate) use document::HEALTH_PATH;
