//! What is known of a type beyond what its place demands: picked where the type is named, by an inherent item that is
//! found before a trait's.

use std::marker::PhantomData;

use axum::extract as axums;
use schemars::JsonSchema;

use super::argument::{Argument, Taking};
use super::call::Call;
use super::rules::NoRules;
use crate::extract::{Cookies, Headers, Path, Query, RequestContext};
use crate::json::SchemaOf;

/// What is known of an argument's type.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// The type, as it was written but for its spaces.
    name: &'static str,
    pub(crate) source: Source,
    pub(crate) demand: Demand,
    pub(crate) rules: RulesOf,
}

/// Which rules of a type are checked before an endpoint has the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RulesOf {
    /// Those of its `garde::Validate`.
    Garde,
    /// None that are known of.
    Nobody,
}

/// Whether a client has to send what an argument takes, as far as its type tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// It has to.
    Required,
    /// It need not: the type is an `Option`.
    Optional,
}

/// What an argument takes from the request's head, as the OpenAPI document tells it.
#[derive(Clone, Copy, Debug)]
pub enum Source {
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

impl Known {
    /// An argument of the type `name` with this source, this demand and these rules.
    pub const fn new(name: &'static str, source: Source, demand: Demand, rules: RulesOf) -> Self {
        Self { name, source, demand, rules }
    }

    /// The type, as people write it.
    pub(crate) fn name(&self) -> String {
        let spaced = [(" < ", "<"), (" <", "<"), (" >", ">"), (" :: ", "::"), (" ,", ",")];
        spaced.iter().fold(self.name.to_owned(), |name, (from, to)| name.replace(from, to))
    }
}

/// What is known of `T`; what is not is in [`Unknown`].
#[derive(Debug)]
pub struct Given<T>(PhantomData<T>);

/// What holds for a type of which nothing is known.
pub trait Unknown {
    /// It is not documented.
    const SOURCE: Source = Source::Undocumented;
    /// It is demanded.
    const DEMAND: Demand = Demand::Required;
    /// Nothing checks it.
    const RULES: RulesOf = RulesOf::Nobody;
}

impl<T> Unknown for Given<T> {}

/// How an argument is taken whose type has no rules.
pub trait Unruled<T> {
    /// Takes it from the request.
    fn take<'a, 'c, M>(call: &'a mut Call<'c>) -> Taking<'a, 'c, T>
    where
        T: Argument<M>;
}

impl<T> Unruled<T> for Given<T> {
    fn take<'a, 'c, M>(call: &'a mut Call<'c>) -> Taking<'a, 'c, T>
    where
        T: Argument<M>,
    {
        T::take::<NoRules>(call)
    }
}

impl<T> Given<Option<T>> {
    /// It may be absent.
    pub const DEMAND: Demand = Demand::Optional;
}

macro_rules! documented {
    ($($extractor:ty => $part:ident;)*) => {$(
        impl<T: JsonSchema> Given<$extractor> {
            /// What the fields of its struct are, or it itself.
            pub const SOURCE: Source = Source::$part(SchemaOf::of::<T>());
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

impl Given<RequestContext> {
    /// Every request has it.
    pub const SOURCE: Source = Source::Context;
}

/// What is known of an argument's type.
#[doc(hidden)]
#[macro_export]
macro_rules! __known {
    ($argument:ty) => {{
        use $crate::__private::Unknown as _;
        const KNOWN: $crate::__private::Known = $crate::__private::Known::new(
            $crate::__private::stringify!($argument),
            $crate::__private::Given::<$argument>::SOURCE,
            $crate::__private::Given::<$argument>::DEMAND,
            $crate::__private::Given::<$argument>::RULES,
        );
        &KNOWN
    }};
}
