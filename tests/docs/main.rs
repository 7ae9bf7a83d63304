//! Checks of what people read: every rule is cited, every citation and link leads somewhere.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod citations;
mod links;
mod sources;
