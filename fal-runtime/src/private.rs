//! What the macros write. Not for use by hand: it changes without notice.

pub use core::option::Option::None;
pub use core::{convert, env, stringify};
pub use std::any::TypeId;

pub use fal_health::HealthCheck;
pub use inventory;

pub use crate::__known as known;
pub use crate::app::lifecycle::{
    HasSetup, Lifecycle, Settle, Settled, TakesSetup, Thread, call_setup, handle_exit, setup, teardown,
};
pub use crate::app::{App, AppOptions, Block, Declaration, Registered, Shared};
pub use crate::endpoint::{
    Answer, Argument, Boxed, Call, Content, Event, Failure, Given, HeadArgument, Known, Lent, NoAnswer,
    Reply, Returns, ReturnsValue, Source, Stream, Taken, Taking, Unknown, Unruled, Unshared, lent,
};
pub use crate::error::{Cause, DeclaredFailure, Told, cause, told};
pub use crate::{ApiError, Cors, Endpoint, Error, ResponseHead};

/// Its name is the error that rustc gives when an app implements it twice (S1).
#[expect(non_camel_case_types, reason = "a sentence for people")]
pub trait an_app_can_only_have_one_health_check_endpoint {}

/// Its name is the error that rustc gives when an app implements it twice for the same path, whose hash this is (S2).
#[expect(non_camel_case_types, reason = "a sentence for people")]
pub trait two_endpoints_have_the_same_path<const PATH: u64> {}

/// Called where a setting is given that means nothing, for rustc to warn there (S4).
#[deprecated(note = "with `call_regularly = false` a host ignores this setting: take one of the two away")]
pub const fn ignored_without_regular_calls() {}
