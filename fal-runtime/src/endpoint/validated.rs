//! Arguments whose types have rules of garde's.

use ::garde::Validate;
use http::request::Parts;

use super::argument::{Argument, Taking};
use super::argument_info::{Given, RulesOf};
use super::call::Call;
use super::rules::Rules;
use crate::error::Error;
use crate::extract::{Cookies, Headers, Path, Query};
use crate::validation::garde;

impl<T: Validate> Given<T>
where
    T::Context: Default,
{
    /// They are garde's.
    pub const RULES: RulesOf = RulesOf::Garde;

    /// Takes it from the request, by its own rules.
    pub fn take<'a, 'c, M>(call: &'a mut Call<'c>) -> Taking<'a, 'c, T>
    where
        T: Argument<M>,
    {
        T::take::<Validated>(call)
    }
}

/// The rules are garde's.
#[derive(Debug)]
pub(super) enum Validated {}

impl<T: Validate> Rules<T> for Validated
where
    T::Context: Default,
{
    fn broken(value: &T, call: &mut Call<'_>) -> Option<Error> {
        call.end().or_else(|| value.validate().err().map(|report| garde::body(&report, call.reader.body())))
    }
}

/// The rules of what is taken from the head are garde's.
#[derive(Debug)]
pub(super) enum ValidatedInHead {}

macro_rules! in_head {
    ($($extractor:ident: $sent:ident;)*) => {$(
        impl<T: Validate> Given<$extractor<T>>
        where
            T::Context: Default,
        {
            /// They are garde's.
            pub const RULES: RulesOf = RulesOf::Garde;

            /// Takes it from the request, by the rules of what it holds.
            pub fn take<'a, 'c, M>(call: &'a mut Call<'c>) -> Taking<'a, 'c, $extractor<T>>
            where
                $extractor<T>: Argument<M>,
            {
                <$extractor<T>>::take::<ValidatedInHead>(call)
            }
        }

        impl<T: Validate> Rules<$extractor<T>> for ValidatedInHead
        where
            T::Context: Default,
        {
            fn broken_in_head(taken: &$extractor<T>, head: &mut Parts) -> Option<Error> {
                taken.0.validate().err().map(|report| garde::$sent(&report, head))
            }
        }
    )*};
}

in_head! {
    Path: path;
    Query: query;
    Headers: headers;
    Cookies: cookies;
}
