//! Tests of whole expansions: their golden files, and error recovery.

mod error_recovery;
mod expansion;
