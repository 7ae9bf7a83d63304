//! The information on the type of an argument, by
//! [autoref-style specialization](crate::__private#autoref-style-specialization).

use std::marker::PhantomData;

use axum::extract as axums;
use schemars::JsonSchema;

use super::argument::{Argument, Extracting};
use super::call::CallContext;
use super::rules::NoRules;
use crate::extract::{Cookies, Headers, Path, Query, RequestContext};
use crate::json::SchemaOf;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleChecker {
    /// Its `garde::Validate`.
    Garde,
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
    /// Nothing that a client sends.
    Context,
    /// Something unknown.
    Undocumented,
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

/// Probes the type `T`. [`ProbeDefaults`] has the fallbacks.
#[derive(Debug)]
pub struct Probe<T>(PhantomData<T>);

/// The fallbacks for a type without special items.
pub trait ProbeDefaults {
    /// Not documented.
    const FAL_SOURCE: HeadSource = HeadSource::Undocumented;
    /// Required.
    const FAL_REQUIREDNESS: Requiredness = Requiredness::Required;
    /// Not checked.
    const FAL_RULES: RuleChecker = RuleChecker::None;
}

impl<T> ProbeDefaults for Probe<T> {}

/// Extracts arguments whose types have no rules.
pub trait ProbeUnvalidated<T> {
    /// Extracts it from the request.
    fn fal_extract<'a, 'c, M>(call: &'a mut CallContext<'c>) -> Extracting<'a, 'c, T>
    where
        T: Argument<M>;
}

impl<T> ProbeUnvalidated<T> for Probe<T> {
    fn fal_extract<'a, 'c, M>(call: &'a mut CallContext<'c>) -> Extracting<'a, 'c, T>
    where
        T: Argument<M>,
    {
        T::extract::<NoRules>(call)
    }
}

impl<T> Probe<Option<T>> {
    /// An `Option` is optional.
    pub const FAL_REQUIREDNESS: Requiredness = Requiredness::Optional;
}

macro_rules! documented {
    ($($extractor:ty => $part:ident;)*) => {$(
        impl<T: JsonSchema> Probe<$extractor> {
            /// Documented by the schema of its content.
            pub const FAL_SOURCE: HeadSource = HeadSource::$part(SchemaOf::of::<T>());
        }
    )*};
}

documented! {
    Path<T> => Path;
    Query<T> => Query;
    Headers<T> => Headers;
    Cookies<T> => Cookies;
    axums::Path<T> => Path;
    axums::Query<T> => Query;
}

impl Probe<RequestContext> {
    /// Every request has a context.
    pub const FAL_SOURCE: HeadSource = HeadSource::Context;
}

/// Information on an argument's type.
#[doc(hidden)]
#[macro_export]
macro_rules! __argument_info {
    ($argument:ty) => {{
        use $crate::__private::ProbeDefaults as _;
        const INFO: $crate::__private::ArgumentInfo = $crate::__private::ArgumentInfo::new(
            $crate::__private::stringify!($argument),
            $crate::__private::Probe::<$argument>::FAL_SOURCE,
            $crate::__private::Probe::<$argument>::FAL_REQUIREDNESS,
            $crate::__private::Probe::<$argument>::FAL_RULES,
        );
        &INFO
    }};
}
