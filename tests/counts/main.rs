//! Counts that show whether the code keeps its order: `cargo run -p fal-tests --bin counts`.
//!
//! `--list` names what was counted, `--release-binary` also builds the quickstart for its size, which takes minutes, and
//! `--check` fails if a count that must be 0 is not.

#![expect(clippy::unwrap_used, reason = "a count that cannot be made stops with the reason")]

mod cycles;
mod files;
mod modules;
mod names;
mod packages;
mod references;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

/// The crates whose sources are counted.
const CRATES: [&str; 4] = ["fal-health", "fal-macros", "fal-host", "fal-runtime"];

/// Counts circles, missing introductions, names with several meanings, long files, lines and dependencies.
#[derive(Parser)]
struct Options {
    /// Name every item that was counted
    #[arg(long)]
    list: bool,
    /// Build the quickstart with `--release` and print the size of its binary
    #[arg(long)]
    release_binary: bool,
    /// Fail if a count that must be 0 is not
    #[arg(long)]
    check: bool,
}

/// A count, and the items behind it.
struct Row {
    label: String,
    count: u64,
    /// What was counted, a line each; empty if there is nothing to name.
    items: Vec<String>,
    must_be_zero: bool,
}

impl Row {
    fn of(label: &str, items: Vec<String>) -> Self {
        Self { label: label.to_owned(), count: items.len() as u64, items, must_be_zero: false }
    }

    fn zero(label: &str, items: Vec<String>) -> Self {
        Self { must_be_zero: true, ..Self::of(label, items) }
    }

    fn number(label: &str, count: u64) -> Self {
        Self { label: label.to_owned(), count, items: Vec::new(), must_be_zero: false }
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap();
    let crates: Vec<_> = CRATES.iter().map(|name| modules::load(&root, name)).collect();
    let sources: Vec<_> = crates.iter().flat_map(modules::Crate::files).cloned().collect();
    let tests = files::others(&root, &sources);

    let mut rows = vec![
        Row::number("source files", sources.len() as u64),
        Row::number("other files: tests, examples", tests.len() as u64),
        Row::number("lines of code in source files", files::code_lines(&root, &sources)),
        Row::number("lines of code in other files", files::code_lines(&root, &tests)),
        Row::zero("circles between files", crates.iter().flat_map(cycles::find).collect()),
        Row::zero("source files without a `//!` line", files::without_introduction(&root, &sources)),
        Row::zero("other files without a `//!` line", files::without_introduction(&root, &tests)),
        Row::zero("type names with several meanings", crates.iter().flat_map(names::ambiguous).collect()),
        Row::zero("source files over 355 lines", files::too_long(&root, &sources)),
        Row::of("other files over 355 lines", files::too_long(&root, &tests)),
    ];
    rows.extend(packages::dependencies(&root));
    if options.release_binary {
        rows.push(packages::release_binary(&root));
    }
    for Row { label, count, items, .. } in &rows {
        println!("{label:<58}{count:>10}");
        for item in items.iter().filter(|_| options.list) {
            println!("    {item}");
        }
    }
    let fails = rows.iter().any(|row| row.must_be_zero && row.count > 0);
    if options.check && fails { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
