use std::fmt;
use std::pin::Pin;

use super::{Argument, Call, HeadArgument, Reply, SchemaOf, Taken};
use crate::Error;
use fal_health::HealthCheck;

/// Calls the function that is declared as an endpoint.
pub(crate) type Function =
    for<'a> fn(Call<'a>) -> Pin<Box<dyn Future<Output = Result<Reply, Error>> + Send + 'a>>;

/// One endpoint of an app, as `#[endpoint]` declares it.
///
/// Rows are made by the macros, as constants: what contradicts itself does not compile.
pub struct Endpoint {
    path: &'static str,
    name: &'static str,
    docs: &'static str,
    health_check: Option<HealthCheck>,
    body: Option<SchemaOf>,
    output: fn() -> SchemaOf,
    function: Function,
}

impl Endpoint {
    /// The endpoint at `path` that the function `name` is.
    #[doc(hidden)]
    pub const fn new(path: &'static str, name: &'static str) -> Self {
        Self {
            path,
            name,
            docs: "",
            health_check: None,
            body: None,
            output: SchemaOf::of::<()>,
            function: |_| Box::pin(async { Err(Error::msg("the endpoint has no function")) }),
        }
    }

    /// The doc comment of its function.
    #[doc(hidden)]
    #[must_use]
    pub const fn docs(mut self, docs: &'static str) -> Self {
        self.docs = docs;
        self
    }

    /// Makes it the health check of its app.
    #[doc(hidden)]
    #[must_use]
    pub const fn health_check(mut self, config: HealthCheck) -> Self {
        self.health_check = Some(config);
        self
    }

    /// An argument of its function besides the app and the response's head.
    #[doc(hidden)]
    #[must_use]
    #[track_caller]
    pub const fn takes<T: Argument<M>, M>(mut self) -> Self {
        if let Taken::Body(schema) = T::TAKEN {
            assert!(
                self.body.is_none(),
                "a request has one body: put what both arguments hold into one struct"
            );
            self.body = Some(schema);
        }
        self
    }

    /// An argument of a health check, which has no body (S2).
    #[doc(hidden)]
    #[must_use]
    pub const fn takes_head<T: HeadArgument>(self) -> Self {
        self
    }

    /// What its function answers with.
    #[doc(hidden)]
    #[must_use]
    pub const fn returns(mut self, schema: fn() -> SchemaOf) -> Self {
        self.output = schema;
        self
    }

    /// How its function is called.
    #[doc(hidden)]
    #[must_use]
    pub const fn calls(mut self, function: Function) -> Self {
        self.function = function;
        self
    }

    /// Where it is called, with its leading `/` and its parameters as `{name}`.
    pub const fn path(&self) -> &'static str {
        self.path
    }

    /// The name of its function, by which the OpenAPI document calls it.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The first paragraph of its doc comment; empty where there is none.
    pub fn summary(&self) -> &'static str {
        self.split_docs().0
    }

    /// What its doc comment says after the first paragraph; empty where there is nothing more.
    pub fn description(&self) -> &'static str {
        self.split_docs().1
    }

    /// The settings of the health check, where it is the health check of its app.
    pub const fn is_health_check(&self) -> Option<HealthCheck> {
        self.health_check
    }

    pub(crate) const fn body(&self) -> Option<SchemaOf> {
        self.body
    }

    pub(crate) fn output(&self) -> SchemaOf {
        (self.output)()
    }

    pub(super) const fn function(&self) -> Function {
        self.function
    }

    /// The methods that it answers, as an `allow` header gives them: POST, and for the health check also GET, with
    /// HEAD as everywhere (S5).
    pub(crate) const fn methods(&self) -> &'static str {
        match self.health_check {
            Some(_) => "GET, HEAD, POST",
            None => "POST",
        }
    }

    fn split_docs(&self) -> (&'static str, &'static str) {
        let docs = self.docs.trim();
        let (summary, description) = docs.split_once("\n\n").unwrap_or((docs, ""));
        (summary.trim(), description.trim())
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("path", &self.path)
            .field("name", &self.name)
            .field("health_check", &self.health_check)
            .finish_non_exhaustive()
    }
}
