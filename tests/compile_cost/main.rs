//! Measures what endpoints cost to compile, as an app of fal-runtime and as plain axum handlers.
//!
//! `cargo run -p fal-tests --bin compile_cost` writes both programs, builds each and compares what its own crate came
//! to. It fails where a ratio is above its bar.
//!
//! Of a binary, dependencies are a part, and those of fal-runtime do more: they describe every endpoint in an OpenAPI document
//! and every mistake at its place. So what the endpoints add to the binary has a bar of its own, and all of it another.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on says why")]

mod measure;
mod sources;

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use measure::Cost;

/// How many endpoints each program has.
const ENDPOINTS: usize = 50;

/// How many a large app has. The size of its program follows from those with one endpoint and with [`ENDPOINTS`].
const LARGE: usize = 150;

/// One line of the comparison.
struct Row {
    what: &'static str,
    of: fn(&Cost) -> f64,
    /// The largest ratio that is allowed.
    bar: Option<f64>,
}

#[expect(clippy::cast_precision_loss, reason = "none of these numbers needs more than 52 bits")]
const ROWS: [Row; 5] = [
    Row { what: "LLVM IR, lines", of: |cost| cost.lines as f64, bar: Some(0.70) },
    Row { what: "LLVM IR, functions", of: |cost| cost.functions as f64, bar: None },
    Row { what: "endpoints in the binary, KiB", of: |cost| cost.added as f64 / 1024.0, bar: Some(0.75) },
    Row {
        what: "stripped binary of 150, KiB",
        of: |cost| {
            (cost.least as f64 + cost.added as f64 * (LARGE - 1) as f64 / (ENDPOINTS - 1) as f64) / 1024.0
        },
        bar: Some(1.05),
    },
    Row { what: "user CPU of the build, s", of: |cost| cost.ticks as f64 / 100.0, bar: None },
];

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let place = target.join("compile-cost");
    let (one, all) = (sources::axum(1), sources::axum(ENDPOINTS));
    let axum = measure::cost(&root, &place, "axum-handlers", &one, &all);
    let (one, all) = (sources::here(&root, 1), sources::here(&root, ENDPOINTS));
    let here = measure::cost(&root, &place, "endpoints-here", &one, &all);

    println!(
        "\n{:<30}{:>12}{:>12}{:>8}{:>8}",
        format!("{ENDPOINTS} endpoints"),
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
        println!("{what:<30}{axum:>12.2}{here:>12.2}{ratio:>8.2}{bar:>8}");
    }
    if is_within { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
