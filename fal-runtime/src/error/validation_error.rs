//! One entry of the list of errors in a request, as FastAPI sends it.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// One mistake in a request, in the form of FastAPI.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "ValidationError")]
pub(crate) struct ValidationError {
    /// What kind of mistake it is, for programs: `missing`, `string_type`, `json_invalid`, …
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    /// Where it is: `body`, `path`, `query`, `header` or `cookie`, then the keys and indices that lead to it.
    pub(crate) loc: Vec<Step>,
    /// What it is, for people.
    pub(crate) msg: Cow<'static, str>,
    /// What stands there instead.
    pub(crate) input: Value,
    /// What else programs may want to know: why JSON is malformed, which values are expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ctx: Option<Value>,
}

/// One step on the way to a mistake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Step {
    /// A key of an object, or the part of the request where the way begins.
    Key(Cow<'static, str>),
    /// An index of a list, or the offset of malformed JSON, in characters.
    Index(usize),
}
