//! Arguments whose types have rules of garde's.

use ::garde::Validate;
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::argument::Argument;
use super::argument_info::RuleChecker;
use super::call::CallContext;
use super::probe::Probe;
use super::rules::Rules;
use crate::error::Error;
use crate::extract::{Cookies, Headers, Path, Query};
use crate::validation::garde;

impl<T: Validate + DeserializeOwned> Probe<T>
where
    T::Context: Default,
{
    /// They are garde's.
    pub const FAL_RULES: RuleChecker = RuleChecker::Garde(garde::read_and_validate::<T>);
}

impl<T: Validate> Probe<T>
where
    T::Context: Default,
{
    /// Takes it from the request, by its own rules.
    pub fn fal_extract<'a, 'c: 'a, M>(call: &'a mut CallContext<'c>) -> T::Extracting<'a, 'c>
    where
        T: Argument<M>,
    {
        T::extract::<Validated>(call)
    }
}

/// The rules are garde's.
#[derive(Debug)]
pub(super) enum Validated {}

impl<T: Validate> Rules<T> for Validated
where
    T::Context: Default,
{
    fn broken(value: &T, call: &mut CallContext<'_>) -> Option<Error> {
        call.end().or_else(|| value.validate().err().map(|report| garde::body(&report, call.reader.body())))
    }
}

/// The rules of what is taken from the head are garde's.
#[derive(Debug)]
pub(super) enum ValidatedInHead {}

macro_rules! in_head {
    ($($extractor:ident: $sent:ident;)*) => {$(
        impl<T: Validate + DeserializeOwned> Probe<$extractor<T>>
        where
            T::Context: Default,
        {
            /// They are garde's.
            pub const FAL_RULES: RuleChecker = RuleChecker::Garde(garde::read_and_validate::<T>);

            /// Takes it from the request, by the rules of what it holds.
            pub fn fal_extract<'a, 'c: 'a, M>(
                call: &'a mut CallContext<'c>,
            ) -> <$extractor<T> as Argument<M>>::Extracting<'a, 'c>
            where
                $extractor<T>: Argument<M>,
            {
                <$extractor<T>>::extract::<ValidatedInHead>(call)
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
