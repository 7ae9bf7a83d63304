//! The program as a whole: a real host, real runners, real requests, over loopback only.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]

mod host;
mod real_model;
mod replacement;
mod setup;
mod tiny_model;
