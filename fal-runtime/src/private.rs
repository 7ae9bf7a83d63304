//! What the macros write. Not for use by hand: it changes without notice.

pub use core::option::Option::None;
pub use core::{convert, env, stringify};
pub use std::any::TypeId;

pub use fal_health::HealthCheck;
pub use inventory;

pub use crate::__known as known;
pub use crate::answer::events::{Event, Stream};
pub use crate::answer::head::{Lent, ResponseHead, lent};
pub use crate::answer::reply::{Answer, Content, Reply};
pub use crate::answer::returns::{Failure, NoAnswer, Returns, ReturnsValue};
pub use crate::app::lifecycle::{
    HasSetup, Lifecycle, Settle, Settled, TakesSetup, Thread, call_setup, handle_exit, setup, teardown,
};
pub use crate::app::{App, AppOptions, Block, Declaration, Registered, Shared};
pub use crate::cors::Cors;
pub use crate::endpoint::{
    Argument, Boxed, Call, Endpoint, Given, HeadArgument, Known, Source, Taken, Taking, Unknown, Unruled,
    Unshared,
};
pub use crate::error::{ApiError, Cause, DeclaredFailure, Error, Told, cause, told};

/// Its name is the error that rustc gives when an app implements it twice (S1).
#[expect(non_camel_case_types, reason = "a sentence for people")]
pub trait an_app_can_only_have_one_health_check_endpoint {}

/// Its name is the error that rustc gives when an app implements it twice for the same path, whose hash this is (S2).
#[expect(non_camel_case_types, reason = "a sentence for people")]
pub trait two_endpoints_have_the_same_path<const PATH: u64> {}

/// Called where a setting is given that means nothing, for rustc to warn there (S4).
#[deprecated(note = "no effect with `call_regularly = false`: remove one of the two")]
pub const fn ignored_without_regular_calls() {}
