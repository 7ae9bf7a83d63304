//! Nothing here: the examples are programs. `cargo run --example quickstart` runs one.

/// The README's code compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
