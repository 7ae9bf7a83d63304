//! What the macros write. Not for use by hand: it changes without notice.

pub use core::{env, stringify};
pub use std::any::TypeId;

pub use fal_health::HealthCheck;
pub use inventory;

pub use crate::__known as known;
pub use crate::app::lifecycle::{
    HasSetup, Lifecycle, Settle, Settled, TakesSetup, Thread, call_setup, handle_exit, setup, teardown,
};
pub use crate::app::{App, AppOptions, Block, Declaration, Registered};
pub use crate::endpoint::{
    Answer, Argument, Call, Content, Event, Failure, Given, HeadArgument, Known, NoAnswer, Reply, Returns,
    ReturnsValue, Source, Stream, Taken, Taking, Unknown, boxed,
};
pub use crate::error::{DeclaredFailure, Told, told};
pub use crate::{ApiError, Cors, Endpoint, Error, ResponseHead};

/// Its name is the error that rustc gives when an app implements it twice (S1).
#[expect(non_camel_case_types, reason = "a sentence for people")]
pub trait an_app_can_only_have_one_health_check_endpoint {}

/// Its name is the error that rustc gives when an app implements it twice for the same path, whose hash this is (S2).
#[expect(non_camel_case_types, reason = "a sentence for people")]
pub trait two_endpoints_of_an_app_cannot_have_the_same_path<const PATH: u64> {}
