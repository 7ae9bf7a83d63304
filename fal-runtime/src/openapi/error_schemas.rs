//! The forms of failures, as schemas. They are the same in every document, and as text they take less of a program than
//! what a derive writes.

use std::borrow::Cow;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::json::{SchemaOf, parse_static};

/// A schema that is written here.
trait Form: 'static {
    const NAME: &'static str;
    const SCHEMA: &'static str;
    /// The form that its schema refers to, as `@`: only the generator knows what that is called where a type of the app
    /// has the same name.
    const PART: Option<SchemaOf> = None;
}

/// What a client reads of a failure.
pub(super) const HTTP_ERROR: SchemaOf = of::<HttpError>();

/// What a client reads of a request that does not say what it has to say.
pub(super) const HTTP_VALIDATION_ERROR: SchemaOf = of::<HttpValidationError>();

/// What a client reads when it is the host that failed, not the endpoint (S38).
pub(super) const HOST_ERROR: SchemaOf = of::<HostError>();

struct HttpError;

impl Form for HttpError {
    const NAME: &'static str = "HTTPError";
    const SCHEMA: &'static str = r#"{
        "type": "object",
        "properties": {
            "detail": {
                "type": "string",
                "description": "What went wrong, as far as the client may know."
            },
            "request_id": {
                "type": ["string", "null"],
                "description": "The request's id, where the log knows more by it than the client may."
            }
        },
        "required": ["detail"],
        "description": "What a client reads of a failure."
    }"#;
}

struct HttpValidationError;

impl Form for HttpValidationError {
    const NAME: &'static str = "HTTPValidationError";
    const SCHEMA: &'static str = r#"{
        "type": "object",
        "properties": {
            "detail": {
                "type": "array",
                "items": { "$ref": "@" },
                "description": "Every mistake that was found."
            }
        },
        "required": ["detail"],
        "description": "What a client reads of a request that does not say what it has to say."
    }"#;
    const PART: Option<SchemaOf> = Some(of::<ValidationError>());
}

struct ValidationError;

impl Form for ValidationError {
    const NAME: &'static str = "ValidationError";
    const SCHEMA: &'static str = r#"{
        "type": "object",
        "properties": {
            "type": {
                "type": "string",
                "description": "What kind of mistake it is, for programs: `missing`, `string_type`, `json_invalid`, …"
            },
            "loc": {
                "type": "array",
                "items": { "$ref": "@" },
                "description": "Where it is: `body`, `path`, `query`, `header` or `cookie`, then the keys and indices that lead to it."
            },
            "msg": {
                "type": "string",
                "description": "What it is, for people."
            },
            "input": {
                "description": "What stands there instead."
            },
            "ctx": {
                "description": "What else programs may want to know: why JSON is malformed, which values are expected."
            }
        },
        "required": ["type", "loc", "msg", "input"],
        "description": "One mistake in a request, in the form that clients of the original read: FastAPI's."
    }"#;
    const PART: Option<SchemaOf> = Some(of::<Step>());
}

struct Step;

impl Form for Step {
    const NAME: &'static str = "Step";
    const SCHEMA: &'static str = r#"{
        "anyOf": [
            {
                "type": "string",
                "description": "A key of an object, or the part of the request where the way begins."
            },
            {
                "type": "integer",
                "format": "uint",
                "minimum": 0,
                "description": "An index of a list, or the offset of malformed JSON, in characters."
            }
        ],
        "description": "One step on the way to a mistake."
    }"#;
}

struct HostError;

impl Form for HostError {
    const NAME: &'static str = "HostError";
    const SCHEMA: &'static str = r#"{
        "type": "object",
        "properties": {
            "detail": {
                "type": "string",
                "description": "What went wrong."
            },
            "error_type": {
                "$ref": "@",
                "description": "What went wrong, for programs."
            }
        },
        "required": ["detail", "error_type"],
        "description": "What a client reads when it is the host that failed, not the endpoint (S38)."
    }"#;
    const PART: Option<SchemaOf> = Some(of::<HostErrorType>());
}

struct HostErrorType;

impl Form for HostErrorType {
    const NAME: &'static str = "HostErrorType";
    const SCHEMA: &'static str = r#"{
        "oneOf": [
            {
                "type": "string",
                "const": "queue_full",
                "description": "Too many requests wait already."
            },
            {
                "type": "string",
                "const": "queue_timeout",
                "description": "No runner took the request in time."
            },
            {
                "type": "string",
                "const": "request_timeout",
                "description": "The endpoint took too long."
            },
            {
                "type": "string",
                "const": "runner_disconnected",
                "description": "The runner was lost before it had answered."
            },
            {
                "type": "string",
                "const": "host_stopping",
                "description": "The host is stopping."
            }
        ]
    }"#;
}

const fn of<F: Form>() -> SchemaOf {
    SchemaOf::of::<Written<F>>()
}

struct Written<F>(PhantomData<F>);

impl<F: Form> JsonSchema for Written<F> {
    fn schema_name() -> Cow<'static, str> {
        F::NAME.into()
    }

    fn schema_id() -> Cow<'static, str> {
        format!("{}::{}", module_path!(), F::NAME).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        read(F::SCHEMA, F::PART, generator)
    }
}

fn read(schema: &str, part: Option<SchemaOf>, generator: &mut SchemaGenerator) -> Schema {
    let part = part.map(|part| part.made_by(generator));
    let reference = part.as_ref().and_then(|part| part.get("$ref")?.as_str()).unwrap_or_default();
    parse_static(&schema.replace('@', reference)).try_into().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::error;

    /// With the schemas that it refers to.
    fn schema(of: SchemaOf) -> String {
        let mut generator = SchemaGenerator::default();
        let schema = of.made_by(&mut generator);
        format!("{}{:#}", Value::from(schema), Value::from(generator.take_definitions(false)))
    }

    #[test]
    fn what_is_written_is_what_is_sent() {
        assert_eq!(schema(HTTP_ERROR), schema(SchemaOf::of::<error::HttpError<'_>>()));
        assert_eq!(schema(HTTP_VALIDATION_ERROR), schema(SchemaOf::of::<error::HttpValidationError<'_>>()));
    }

    #[test]
    fn a_form_has_every_part_that_it_refers_to() {
        let host = schema(HOST_ERROR);
        assert!(
            host.contains("\"$ref\": \"#/$defs/HostErrorType\"") && host.contains("host_stopping"),
            "{host}"
        );
    }
}
