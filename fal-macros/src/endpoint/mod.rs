//! A method that is an endpoint: its attribute and its signature, validated together.

mod attribute;
mod expand;
mod signature;
mod types;

use syn::{Attribute, Ident, ImplItemFn, ReturnType, Type};

use self::attribute::{EndpointAttribute, HealthCheckOption};
use self::signature::{Argument, ArgumentKind, Signature};
use self::types::path_value_count;
use crate::conditional::{Conditional, cfgs, conditionals};
use crate::doc::Docs;
use crate::errors::Errors;
use crate::method::Method;
use crate::options::Setting;
use crate::path::RoutePath;

/// A validated endpoint.
pub(crate) struct Endpoint {
    pub(crate) path: RoutePath,
    pub(crate) health_check: Option<HealthCheckOption>,
    /// The `#[cfg(…)]` attributes of its method, and those of a `#[cfg_attr(…)]` around its attribute.
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) name: Ident,
    method: Method,
    body_limit: Option<Setting>,
    /// The option that says that a request may be sent twice.
    idempotent: Option<Ident>,
    docs: Docs,
    /// The `#[cfg(…)]` attributes of its `#[deprecated]`, if it has one.
    deprecated: Option<Vec<Attribute>>,
    is_async: bool,
    arguments: Vec<Argument>,
    output: Type,
    /// Whether the method has a return type. Without one it cannot fail.
    may_fail: bool,
}

impl Endpoint {
    /// Validates a method and its `#[endpoint(…)]`. Returns `None` after an error.
    pub(crate) fn from_method(
        conditional: &Conditional,
        method: &ImplItemFn,
        errors: &mut Errors,
    ) -> Option<Self> {
        let attribute = errors.ok_or_push(EndpointAttribute::from_attribute(&conditional.attribute));
        let signature = Signature::from_method(method, errors);
        let EndpointAttribute { path: literal, method: option, health_check, body_limit, idempotent } =
            attribute?;
        let path = RoutePath::from_literal(literal, errors);
        let health_check = health_check.map(|HealthCheckOption { span, check }| HealthCheckOption {
            span,
            check: check.validate(errors),
        });
        let path = path?;
        if health_check.is_some() && path.parameters > 0 {
            errors.push(path.literal, "the path of a health check cannot have parameters: remove them");
            return None;
        }
        if let (Some(_), Some(option)) = (&health_check, &option) {
            errors.push(&option.name, "a health check answers POST and GET: remove `method`");
            return None;
        }
        if let (Some(_), Some(limit)) = (&health_check, &body_limit) {
            errors.push(&limit.name, "a health check has no request body: remove `body_limit`");
            return None;
        }
        let endpoint_method = option.map_or(Method::Post, |option| option.method);
        if let Some(limit) = body_limit.as_ref().filter(|_| !endpoint_method.has_body()) {
            let name = endpoint_method.name();
            errors.push(&limit.name, format!("a {name} request has no body: remove `body_limit`"));
            return None;
        }
        let Signature { arguments, output } = signature?;
        for argument in &arguments {
            let ArgumentKind::Extractor(extractor) = &argument.kind else { continue };
            let (values, parameters) = (path_value_count(extractor), path.parameters);
            if let Some(values) = values.filter(|values| parameters > 0 && *values != parameters) {
                let message = format!(
                    "wrong number of path parameters, expected {parameters}, found {values}: write one type for each"
                );
                errors.push(extractor, message);
                return None;
            }
        }
        let endpoint = Self {
            path,
            health_check,
            body_limit,
            idempotent,
            cfgs: cfgs(&method.attrs).into_iter().chain(conditional.cfgs()).collect(),
            name: method.sig.ident.clone(),
            method: endpoint_method,
            docs: Docs::from_attributes(&method.attrs),
            deprecated: conditionals(&method.attrs)
                .iter()
                .find(|conditional| conditional.is("deprecated"))
                .map(|conditional| conditional.cfgs().collect()),
            is_async: method.sig.asyncness.is_some(),
            arguments,
            output,
            may_fail: matches!(method.sig.output, ReturnType::Type(..)),
        };
        if let (Some(_), Some(events)) = (&endpoint.health_check, endpoint.events()) {
            errors.push(events, "a health check cannot stream: return its result instead");
            return None;
        }
        Some(endpoint)
    }

    /// Whether both answer the same requests. A health check has its path to itself.
    pub(crate) fn conflicts_with(&self, other: &Self) -> bool {
        let is_same_method =
            self.method == other.method || self.health_check.is_some() || other.health_check.is_some();
        is_same_method && self.path.hash == other.path.hash
    }

    /// Whether it can take a request body.
    fn has_body(&self) -> bool {
        self.health_check.is_none() && self.method.has_body()
    }

    /// The arguments that are extracted from the request: their `#[cfg(…)]` attributes and their types.
    fn extractors(&self) -> impl Iterator<Item = (&[Attribute], &Type)> {
        self.arguments.iter().filter_map(|argument| match &argument.kind {
            ArgumentKind::Extractor(extractor) => Some((&*argument.cfgs, extractor)),
            ArgumentKind::ResponseHead(_) | ArgumentKind::Events(_) => None,
        })
    }

    /// The type `Events<T>`, for an endpoint that streams.
    fn events(&self) -> Option<&Type> {
        self.arguments.iter().find_map(|argument| match &argument.kind {
            ArgumentKind::Events(events) => Some(events),
            ArgumentKind::ResponseHead(_) | ArgumentKind::Extractor(_) => None,
        })
    }
}
