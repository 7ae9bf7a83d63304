//! What endpoints cost to compile: the same ones as an app of ours and as plain axum handlers.
//!
//! `cargo run -p fal-tests --bin compile_cost` writes both programs, builds each and compares what its own crate came
//! to. It fails where a ratio is above its bar.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on says why")]

mod measure;
mod sources;

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use measure::Cost;

/// One line of the comparison.
struct Row {
    what: &'static str,
    of: fn(&Cost) -> f64,
    /// The largest ratio that is allowed.
    bar: Option<f64>,
}

#[expect(clippy::cast_precision_loss, reason = "none of these numbers needs more than 52 bits")]
const ROWS: [Row; 4] = [
    Row { what: "LLVM IR, lines", of: |cost| cost.lines as f64, bar: Some(0.65) },
    Row { what: "LLVM IR, functions", of: |cost| cost.functions as f64, bar: None },
    Row { what: "stripped binary, KiB", of: |cost| cost.binary as f64 / 1024.0, bar: Some(0.75) },
    Row { what: "user CPU of the build, s", of: |cost| cost.ticks as f64 / 100.0, bar: None },
];

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let place = target.join("compile-cost");
    let axum = measure::cost(&root, &place, "axum-handlers", &sources::axum());
    let here = measure::cost(&root, &place, "endpoints-here", &sources::here(&root));

    println!(
        "\n{:<28}{:>12}{:>12}{:>8}{:>8}",
        format!("{} endpoints", sources::ENDPOINTS),
        "axum",
        "here",
        "ratio",
        "bar"
    );
    let mut is_within = true;
    for Row { what, of, bar } in ROWS {
        let (axum, here) = (of(&axum), of(&here));
        let ratio = here / axum;
        is_within &= bar.is_none_or(|bar| ratio <= bar);
        let bar = bar.map_or_else(String::new, |bar| bar.to_string());
        println!("{what:<28}{axum:>12.2}{here:>12.2}{ratio:>8.2}{bar:>8}");
    }
    if is_within { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
