//! Tests of whole expansions.

mod error_recovery;
mod expansion;
mod fixtures;
