//! Checks of what people read: every rule is cited, every citation and link leads somewhere.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod citations;
mod house_words;
mod links;
mod options;
mod quotes;
mod rust_text;
mod scenarios;
mod sources;
