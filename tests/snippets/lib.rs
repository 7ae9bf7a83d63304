//! The Rust snippets of `README.md` and `docs/`: `cargo test` compiles each in a module of its own, and runs their tests.

/// `build.rs` writes one module a snippet, named after its page and line.
#[cfg(test)]
#[expect(clippy::pedantic, dead_code, reason = "a snippet shows one thing, and not all that would use it")]
mod pages {
    include!(concat!(env!("OUT_DIR"), "/snippets.rs"));
}
