//! Finds out the information on the type of an argument, by
//! [autoref-style specialization](crate::__private#autoref-style-specialization).

use std::marker::PhantomData;

use axum::extract as axums;
use schemars::JsonSchema;

use super::argument::Argument;
use super::argument_info::{HeadSource, Requiredness, RuleChecker};
use super::call::CallContext;
use super::rules::NoRules;
use crate::extract::{Bearer, Cookies, Headers, Path, Query, RequestContext, SecurityScheme};
use crate::json::SchemaOf;

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
    fn fal_extract<'a, 'c: 'a, M>(call: &'a mut CallContext<'c>) -> T::Extracting<'a, 'c>
    where
        T: Argument<M>;
}

impl<T> ProbeUnvalidated<T> for Probe<T> {
    fn fal_extract<'a, 'c: 'a, M>(call: &'a mut CallContext<'c>) -> T::Extracting<'a, 'c>
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

impl Probe<Bearer> {
    /// A token.
    pub const FAL_SOURCE: HeadSource = HeadSource::Security(&[SecurityScheme::BEARER]);
}

impl Probe<Option<Bearer>> {
    /// A token, or none.
    pub const FAL_SOURCE: HeadSource = HeadSource::Security(&[SecurityScheme::BEARER]);
}

#[cfg(feature = "ws")]
impl Probe<axums::WebSocketUpgrade> {
    /// A handshake.
    pub const FAL_SOURCE: HeadSource = HeadSource::WebSocket;
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
