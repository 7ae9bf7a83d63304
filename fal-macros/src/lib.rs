//! The attributes of `fal-runtime`. Use them through that crate.
