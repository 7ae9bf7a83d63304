//! The information on the type of an argument.

use std::any::TypeId;

use crate::extract::SecurityScheme;
use crate::json::SchemaOf;
use crate::validation::length_units::ReadAndValidate;

/// Information on an argument's type.
#[derive(Clone, Copy, Debug)]
pub struct ArgumentInfo {
    /// The type as written, except for spaces.
    name: &'static str,
    pub(crate) source: HeadSource,
    pub(crate) requiredness: Requiredness,
    pub(crate) rules: RuleChecker,
}

/// What checks the rules of a type before the endpoint gets the value.
#[derive(Clone, Copy, Debug)]
pub enum RuleChecker {
    /// Its `garde::Validate`.
    Garde(ReadAndValidate),
    /// Nothing, as far as the type tells.
    None,
}

/// Whether a client must send the argument, as far as its type tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requiredness {
    /// It must be sent.
    Required,
    /// It may be left out: the type is an `Option`.
    Optional,
}

/// What an argument takes from the request's head, for the OpenAPI document.
#[derive(Clone, Copy, Debug)]
pub enum HeadSource {
    /// Parameters of the path.
    Path(SchemaOf),
    /// Parameters of the query.
    Query(SchemaOf),
    /// Headers. `_` in a name of the schema is `-` in the header's name.
    Headers(SchemaOf),
    /// Cookies.
    Cookies(SchemaOf),
    /// The client's authentication, by one of these schemes.
    Security(&'static [SecurityScheme]),
    /// The head and the app, by [`FromApp`](crate::extract::FromApp).
    App(AppArgument),
    /// The handshake of a WebSocket.
    WebSocket,
    /// Nothing that a client sends.
    Context,
    /// Something unknown.
    Undocumented,
}

/// An argument that is extracted with the app.
#[derive(Clone, Copy, Debug)]
pub struct AppArgument {
    /// The app that it belongs to.
    pub(crate) app: fn() -> TypeId,
    /// The name of the argument's type.
    pub(crate) type_name: fn() -> &'static str,
    pub(crate) security: &'static [SecurityScheme],
}

impl ArgumentInfo {
    /// An argument of the type `name` with this source, this requiredness and these rules.
    pub const fn new(
        name: &'static str,
        source: HeadSource,
        requiredness: Requiredness,
        rules: RuleChecker,
    ) -> Self {
        Self { name, source, requiredness, rules }
    }

    /// The type, formatted as in source code.
    pub(crate) fn name(&self) -> String {
        let spaced = [(" < ", "<"), (" <", "<"), (" >", ">"), (" :: ", "::"), (" ,", ",")];
        spaced.iter().fold(self.name.to_owned(), |name, (from, to)| name.replace(from, to))
    }
}
