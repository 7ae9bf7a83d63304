//! Counts that cargo gives: dependencies and the size of a binary.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use crate::Row;

/// The feature sets whose dependencies are counted, as options of cargo.
const FEATURE_SETS: [&[&str]; 3] =
    [&[], &["--no-default-features", "--features", "cli"], &["--no-default-features"]];

/// How many packages fal-runtime depends on, build and test dependencies excepted.
pub(crate) fn dependencies(root: &Path) -> Vec<Row> {
    FEATURE_SETS.iter().map(|features| dependencies_with(root, features)).collect()
}

fn dependencies_with(root: &Path, features: &[&str]) -> Row {
    let mut tree = cargo(root);
    tree.args(["tree", "--locked", "--package", "fal-runtime", "--edges", "normal", "--prefix", "none"]);
    let output = tree.args(["--format", "{p}"]).args(features).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let package = |line: &str| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
    let packages: BTreeSet<_> = text.lines().map(package).collect();
    let others = packages.into_iter().filter(|package| !package.starts_with("fal-runtime ")).collect();
    Row::of(format!("dependencies of fal-runtime {}", features.join(" ")).trim_end(), others)
}

/// How large the quickstart's binary is in the profile `release`, in KiB.
pub(crate) fn release_binary(root: &Path) -> Row {
    let mut build = cargo(root);
    build.args(["build", "--locked", "--release", "--package", "fal-examples", "--example", "quickstart"]);
    assert!(build.status().unwrap().success());
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), Into::into);
    let binary = fs::metadata(target.join("release/examples/quickstart")).unwrap();
    Row::number("release binary of the quickstart, KiB", binary.len() / 1024)
}

fn cargo(root: &Path) -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(root);
    cargo
}
