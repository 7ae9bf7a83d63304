//! The declaration of one endpoint, which `#[endpoint]` writes.

use std::fmt;

use fal_health::HealthCheck;
use futures_util::future::BoxFuture;

use super::argument::{Argument, ArgumentSource, BodyKind, HeadArgument};
use super::argument_info::{ArgumentInfo, HeadSource, Requiredness, RuleChecker};
use super::call::CallContext;
use super::method::EndpointMethod;
use crate::answer::{Content, Event, EventStream, Reply};
use crate::error::{DeclaredFailure, Error};
use crate::json::SchemaOf;

/// Calls the endpoint's function.
pub(crate) type Function = for<'a> fn(&'a mut CallContext<'_>) -> BoxFuture<'a, Result<Reply, Error>>;

/// One endpoint of an app, as `#[endpoint]` declares it.
///
/// The macros build it in a const context, so that a contradiction is a compile error.
pub struct Endpoint {
    path: &'static str,
    method: EndpointMethod,
    name: &'static str,
    docs: Option<&'static str>,
    is_deprecated: bool,
    is_idempotent: bool,
    health_check: Option<HealthCheck>,
    body_limit: Option<usize>,
    body: Option<BodyKind>,
    requiredness: Requiredness,
    rules: RuleChecker,
    sources: [Option<&'static ArgumentInfo>; MAX_HEAD_ARGUMENTS],
    content: fn() -> Content,
    is_stream: bool,
    failures: Option<&'static [DeclaredFailure]>,
    function: Function,
}

/// The maximum number of arguments from the request head.
const MAX_HEAD_ARGUMENTS: usize = 8;

impl Endpoint {
    /// An endpoint at `path` with the function `name`.
    #[doc(hidden)]
    pub const fn new(path: &'static str, name: &'static str) -> Self {
        Self {
            path,
            method: EndpointMethod::POST,
            name,
            docs: None,
            is_deprecated: false,
            is_idempotent: false,
            health_check: None,
            body_limit: None,
            body: None,
            requiredness: Requiredness::Required,
            rules: RuleChecker::None,
            sources: [None; MAX_HEAD_ARGUMENTS],
            content: || Content::Undocumented,
            is_stream: false,
            failures: None,
            function: |_| Box::pin(async { Err(Error::msg("the endpoint has no function")) }),
        }
    }

    /// Sets the method that it answers; without it, POST.
    #[doc(hidden)]
    #[must_use]
    pub const fn answers(mut self, method: EndpointMethod) -> Self {
        self.method = method;
        self
    }

    /// The doc comment of its function.
    #[doc(hidden)]
    #[must_use]
    pub const fn docs(mut self, docs: &'static str) -> Self {
        self.docs = Some(docs);
        self
    }

    /// Marks it as deprecated.
    #[doc(hidden)]
    #[must_use]
    pub const fn deprecated(mut self) -> Self {
        self.is_deprecated = true;
        self
    }

    /// Makes it the health check of its app.
    #[doc(hidden)]
    #[must_use]
    pub const fn checks_health(mut self, config: HealthCheck) -> Self {
        self.health_check = Some(config);
        self
    }

    /// The largest body that it takes, in bytes.
    #[doc(hidden)]
    #[must_use]
    pub const fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = Some(bytes);
        self
    }

    /// Declares that a request may be sent to it twice ([S59](fal_health::semantics#s59)).
    #[doc(hidden)]
    #[must_use]
    pub const fn idempotent(mut self) -> Self {
        self.is_idempotent = true;
        self
    }

    /// An argument of its function other than the app and the response's head.
    #[doc(hidden)]
    #[must_use]
    #[track_caller]
    pub const fn takes<T: Argument<M>, M>(mut self, known: &'static ArgumentInfo) -> Self {
        let kind = match T::SOURCE {
            ArgumentSource::Body(kind) => kind,
            ArgumentSource::Head => return self.source(known),
            ArgumentSource::App(info) => return self.source(info),
        };
        assert!(
            self.body.is_none(),
            "an endpoint takes one body: write one struct with the fields of both arguments"
        );
        self.body = Some(kind);
        // Only these two are kept: the rest would enlarge every program.
        self.requiredness = known.requiredness;
        self.rules = known.rules;
        self
    }

    /// An argument of an endpoint whose requests have no body ([S2a](fal_health::semantics#s2a)).
    #[doc(hidden)]
    #[must_use]
    #[track_caller]
    pub const fn takes_head<T: HeadArgument<M>, M>(self, known: &'static ArgumentInfo) -> Self {
        match T::APP {
            Some(info) => self.source(info),
            None => self.source(known),
        }
    }

    #[track_caller]
    #[expect(
        clippy::indexing_slicing,
        clippy::panic,
        reason = "a compile error, since declarations are constants"
    )]
    const fn source(mut self, known: &'static ArgumentInfo) -> Self {
        assert!(
            self.has_parameters() || !matches!(known.source, HeadSource::Path(_)),
            "the path has no parameter for this argument: write one, as in \"/users/{{id}}\""
        );
        if let HeadSource::WebSocket = known.source {
            assert!(
                self.health_check.is_none(),
                "a health check cannot be a WebSocket: remove this argument"
            );
            assert!(
                matches!(self.method, EndpointMethod::GET),
                "a WebSocket begins with a GET request: write `method = GET` after the path"
            );
        }
        let mut at = 0;
        while at < MAX_HEAD_ARGUMENTS {
            if self.sources[at].is_none() {
                self.sources[at] = Some(known);
                return self;
            }
            at += 1;
        }
        panic!(
            "an endpoint takes at most 8 arguments from the request head: write one extractor for several of them"
        )
    }

    /// Whether the path has parameters. Braces have no other use.
    const fn has_parameters(&self) -> bool {
        let mut rest = self.path.as_bytes();
        while let [first, others @ ..] = rest {
            if *first == b'{' {
                return true;
            }
            rest = others;
        }
        false
    }

    /// Whether an argument takes or may take the path's parameters.
    const fn may_take_path(&self) -> bool {
        let mut rest = self.sources.as_slice();
        while let [first, others @ ..] = rest {
            if let Some(ArgumentInfo { source: HeadSource::Path(_) | HeadSource::Undocumented, .. }) = first {
                return true;
            }
            rest = others;
        }
        false
    }

    /// The content of its answer.
    #[doc(hidden)]
    #[must_use]
    pub const fn returns(mut self, content: fn() -> Content) -> Self {
        self.content = content;
        self
    }

    /// The events that its function sends instead of an answer.
    #[doc(hidden)]
    #[must_use]
    pub const fn streams<E: EventStream<Item: Event>>(mut self) -> Self {
        self.is_stream = true;
        self.content = || Content::Events(SchemaOf::of::<E::Item>());
        self
    }

    /// The failures that its error type declares.
    #[doc(hidden)]
    #[must_use]
    pub const fn fails(mut self, failures: &'static [DeclaredFailure]) -> Self {
        if !failures.is_empty() {
            self.failures = Some(failures);
        }
        self
    }

    /// How its function is called.
    #[doc(hidden)]
    #[must_use]
    #[track_caller]
    pub const fn calls(mut self, function: Function) -> Self {
        assert!(
            !self.has_parameters() || self.may_take_path(),
            "no argument takes the path parameters: write one, as in `Path(id): Path<String>`"
        );
        self.function = function;
        self
    }

    /// The path, with the leading `/` and parameters as `{name}`.
    pub const fn path(&self) -> &'static str {
        self.path
    }

    /// The name of its function, which is the operation id in the OpenAPI document.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The first paragraph of its doc comment. Empty if there is none.
    pub fn summary(&self) -> &'static str {
        self.split_docs().0
    }

    /// The doc comment after the first paragraph. Empty if there is no more.
    pub fn description(&self) -> &'static str {
        self.split_docs().1
    }

    /// Whether its function is `#[deprecated]`.
    pub const fn is_deprecated(&self) -> bool {
        self.is_deprecated
    }

    /// Whether a request that a runner has lost may be sent once more ([S59](fal_health::semantics#s59)).
    pub const fn is_idempotent(&self) -> bool {
        self.is_idempotent
    }

    /// The settings of the health check. `None` if the endpoint is not the health check of its app.
    pub const fn health_check(&self) -> Option<HealthCheck> {
        self.health_check
    }

    pub(crate) const fn body(&self) -> Option<BodyKind> {
        self.body
    }

    /// The schema of its JSON body.
    pub(crate) const fn json_body(&self) -> Option<SchemaOf> {
        match self.body {
            Some(BodyKind::Json(schema)) => Some(schema),
            _ => None,
        }
    }

    /// What checks the rules of its body.
    pub(crate) const fn rules(&self) -> RuleChecker {
        self.rules
    }

    /// The arguments from the request head.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &'static ArgumentInfo> {
        self.sources.iter().flatten().copied()
    }

    pub(crate) fn content(&self) -> Content {
        (self.content)()
    }

    /// The failures that its error type declares, in order.
    pub(crate) fn failures(&self) -> &'static [DeclaredFailure] {
        self.failures.unwrap_or_default()
    }

    pub(crate) const fn is_stream(&self) -> bool {
        self.is_stream
    }

    /// Its own limit for the body, in bytes. `None` if the app's limit applies.
    pub(crate) const fn own_body_limit(&self) -> Option<usize> {
        self.body_limit
    }

    /// Whether the body may be left out.
    pub(crate) fn is_body_optional(&self) -> bool {
        self.requiredness == Requiredness::Optional
    }

    pub(super) const fn function(&self) -> Function {
        self.function
    }

    /// The methods that it answers: the one that it declares, and for the health check GET and POST (S5).
    pub(crate) const fn methods(&self) -> &[EndpointMethod] {
        match self.health_check {
            Some(_) => &[EndpointMethod::GET, EndpointMethod::POST],
            None => std::slice::from_ref(&self.method),
        }
    }

    fn split_docs(&self) -> (&'static str, &'static str) {
        let docs = self.docs.unwrap_or_default().trim();
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
