//! Apps in the process of their tests, as the tests of their authors use them.

#![expect(
    clippy::manual_assert,
    clippy::needless_pass_by_value,
    clippy::unused_async,
    clippy::unused_self,
    reason = "the functions of an app have the shapes that apps have"
)]
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod calls;
#[cfg(feature = "testing-fleet")]
mod fleet;
#[cfg(feature = "testing-fleet")]
mod fleet_files;
mod lifecycle;
mod requests;
