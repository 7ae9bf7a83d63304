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

/// What is known of an argument's type.
#[derive(Clone, Copy, Debug)]
pub struct ArgumentInfo {
    /// The type, as it was written but for its spaces.
    name: &'static str,
    pub(crate) source: HeadSource,
    pub(crate) requiredness: Requiredness,
    pub(crate) rules: RuleChecker,
}

/// Which rules of a type are checked before an endpoint has the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleChecker {
    /// Those of its `garde::Validate`.
    Garde,
    /// None that are known of.
    None,
}

/// Whether a client has to send what an argument takes, as far as its type tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requiredness {
    /// It has to.
    Required,
    /// It need not: the type is an `Option`.
    Optional,
}

/// What an argument takes from the request's head, as the OpenAPI document tells it.
#[derive(Clone, Copy, Debug)]
pub enum HeadSource {
    /// Parameters of the path.
    Path(SchemaOf),
    /// Parameters of the query.
    Query(SchemaOf),
    /// Headers; `_` in a name of the schema is `-` in a header's.
    Headers(SchemaOf),
    /// Cookies.
    Cookies(SchemaOf),
    /// Nothing that a client sends for it.
    Context,
    /// Something that is not known.
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

    /// The type, as people write it.
    pub(crate) fn name(&self) -> String {
        let spaced = [(" < ", "<"), (" <", "<"), (" >", ">"), (" :: ", "::"), (" ,", ",")];
        spaced.iter().fold(self.name.to_owned(), |name, (from, to)| name.replace(from, to))
    }
}

/// What is known of `T`; what is not is in [`ProbeDefaults`].
#[derive(Debug)]
pub struct Probe<T>(PhantomData<T>);

/// What holds for a type of which nothing is known.
pub trait ProbeDefaults {
    /// It is not documented.
    const FAL_SOURCE: HeadSource = HeadSource::Undocumented;
    /// It is demanded.
    const FAL_REQUIREDNESS: Requiredness = Requiredness::Required;
    /// Nothing checks it.
    const FAL_RULES: RuleChecker = RuleChecker::None;
}

impl<T> ProbeDefaults for Probe<T> {}

/// How an argument is taken whose type has no rules.
pub trait ProbeUnvalidated<T> {
    /// Takes it from the request.
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
    /// It may be absent.
    pub const FAL_REQUIREDNESS: Requiredness = Requiredness::Optional;
}

macro_rules! documented {
    ($($extractor:ty => $part:ident;)*) => {$(
        impl<T: JsonSchema> Probe<$extractor> {
            /// What the fields of its struct are, or it itself.
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
    /// Every request has it.
    pub const FAL_SOURCE: HeadSource = HeadSource::Context;
}

/// What is known of an argument's type.
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
