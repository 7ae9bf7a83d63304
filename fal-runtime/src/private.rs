//! The items that generated code uses. Not a public API: they change without notice.
//!
//! # Autoref-style specialization
//!
//! A macro knows the names of types, not the traits that they implement. The generated code therefore lets method resolution
//! choose: where a type has an inherent item and a trait in scope has an item of the same name, rustc takes the inherent one.
//! This works on stable Rust because the type is concrete where the macro names it. In generic code it would not.
//!
//! The pattern has three parts:
//!
//! ```
//! struct TypeInfo<T>(std::marker::PhantomData<T>);
//!
//! // The special case: an inherent item, for the types that the bound selects.
//! impl<T> TypeInfo<Option<T>> {
//!     const IS_REQUIRED: bool = false;
//! }
//!
//! // The general case: an item of a trait that every type has.
//! trait Fallback {
//!     const IS_REQUIRED: bool = true;
//! }
//! impl<T> Fallback for TypeInfo<T> {}
//!
//! // The use, where the type is concrete and the trait is in scope.
//! assert!(TypeInfo::<u32>::IS_REQUIRED);
//! assert!(!TypeInfo::<Option<u32>>::IS_REQUIRED);
//! ```
//!
//! Traits of the user are in scope as well, and one of them may be implemented for every type. So the names of the items begin with
//! `fal_`. Lifecycle methods have the names that an app gives them: with such a trait in scope, an app has to have its own.
//!
//! The name comes from a related trick, in which the number of `&` before a receiver decides. Here is where it is used:
//!
//! | inherent items | trait for all other types | decides |
//! |---|---|---|
//! | [`Probe`] | [`ProbeDefaults`], [`ProbeUnvalidated`] | what an argument takes from the request, whether it may be absent, and whether its rules are checked |
//! | [`Returns`] | [`ReturnsFallback`] | whether a return type is a `Result`, and whether its error declares failures |
//! | [`BoxedCall`] | [`BoxedCallFallback`] | whether a call goes to a valid app, or to one that has been rejected with an error already |
//! | the app itself | [`Lifecycle`] | which lifecycle methods an app declares |

pub use core::option::Option::None;
pub use core::{convert, env, stringify};
pub use std::any::TypeId;

pub use fal_health::HealthCheck;
pub use inventory;

pub use crate::__argument_info as argument_info;
pub use crate::__join_docs as join_docs;
pub use crate::answer::events::{Event, EventStream};
pub use crate::answer::head::{AsResponseHead, ResponseHead, as_response_head};
pub use crate::answer::reply::{Answer, Content, Reply};
pub use crate::answer::returns::{EndpointError, NoAnswer, Returns, ReturnsFallback};
pub use crate::app::lifecycle::{
    FunctionThread, HasSetup, Lifecycle, Settle, Settled, TakesSetup, call_setup, handle_exit, setup,
    teardown,
};
pub use crate::app::{App, AppOptions, Block, Declaration, Instance, Registered, Shared};
pub use crate::cors::Cors;
pub use crate::endpoint::{
    Argument, ArgumentInfo, ArgumentSource, BoxedCall, BoxedCallFallback, CallContext, Endpoint,
    EndpointMethod, HeadArgument, HeadSource, Probe, ProbeDefaults, ProbeUnvalidated,
};
pub use crate::error::{
    ApiError, Cause, DeclaredFailure, Error, ErrorParts, IsStdError, cause, to_error, with_headers,
};
pub use crate::server::{ConcurrencyLimit, ConnectionHold};

/// A marker that each health check implements for its app. rustc prints its name where an app implements it
/// twice ([S1](fal_health::semantics#s1)).
#[expect(non_camel_case_types, reason = "it is the text of a compile error")]
pub trait an_app_can_only_have_one_health_check_endpoint {}

/// A marker that each endpoint implements for its app. `PATH` is the hash of its path. rustc prints the name
/// where an app implements it twice for one path and method ([S2e](fal_health::semantics#s2e)). A health
/// check implements it for every method.
#[expect(non_camel_case_types, reason = "it is the text of a compile error")]
pub trait two_endpoints_have_the_same_path<const PATH: u64, METHOD = method::POST> {}

/// The methods as types, for the marker of a path.
#[expect(missing_debug_implementations, reason = "there are no values")]
pub mod method {
    /// The default.
    pub enum POST {}
    /// Another method.
    pub enum GET {}
    /// Another method.
    pub enum PUT {}
    /// Another method.
    pub enum PATCH {}
    /// Another method.
    pub enum DELETE {}
}

/// Called at a setting that has no effect. It is deprecated, so rustc warns there
/// ([S4](fal_health::semantics#s4)).
#[deprecated(note = "no effect with `call_regularly = false`: remove one of the two")]
pub const fn ignored_without_regular_calls() {}

/// Joins the fragments of a doc comment, a line break between two, into one `&'static str`. A fragment may have a
/// `#[cfg(…)]`.
#[doc(hidden)]
#[macro_export]
macro_rules! __join_docs {
    ($($fragments:tt)*) => {{
        const FRAGMENTS: &[&str] = &[$($fragments)*];
        const JOINED: [u8; $crate::__private::joined_len(FRAGMENTS)] = $crate::__private::join(FRAGMENTS);
        $crate::__private::utf8(&JOINED)
    }};
}

/// The length of the fragments with a line break after each.
pub const fn joined_len(mut fragments: &[&str]) -> usize {
    let mut len = 0;
    while let [first, rest @ ..] = fragments {
        len += first.len() + 1;
        fragments = rest;
    }
    len
}

/// The fragments with a line break after each.
#[expect(clippy::indexing_slicing, reason = "a compile error where docs are joined")]
pub const fn join<const LEN: usize>(mut fragments: &[&str]) -> [u8; LEN] {
    let mut joined = [b'\n'; LEN];
    let mut len = 0;
    while let [first, rest @ ..] = fragments {
        let mut bytes = first.as_bytes();
        while let [byte, others @ ..] = bytes {
            joined[len] = *byte;
            len += 1;
            bytes = others;
        }
        len += 1;
        fragments = rest;
    }
    joined
}

/// The joined text, without the space around it. Joined texts are always UTF-8.
pub const fn utf8(joined: &[u8]) -> &str {
    match core::str::from_utf8(joined.trim_ascii()) {
        Ok(text) => text,
        Err(_) => "",
    }
}

/// Reads JSON as the body of a request. For the fuzz target, which compares it with `serde_json`.
#[doc(hidden)]
pub fn read_json<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    let mut reader = crate::json::Reader::new(body);
    let read = T::deserialize(&mut reader).and_then(|value| reader.end().map_or(Ok(value), Err));
    read.map_err(|error| error.to_string())
}
