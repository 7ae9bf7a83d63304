//! Nothing here: the examples are programs. `cargo run --example quickstart` runs one.
