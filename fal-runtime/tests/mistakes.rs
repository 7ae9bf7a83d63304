//! The compile errors of declarations: one fixture for each mistake, and the output of rustc as a golden file beside
//! it. The README there says how to renew the golden files.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The fixtures with a second error, and where it comes from.
const TWO_ERRORS: [(&str, &str); 3] = [
    ("app_misspelt", "rustc finds no such attribute, and the endpoints are then outside of an app"),
    ("app_that_is_not_send", "rustc requires `Send` and `Sync`, and an `Rc` is neither"),
    ("app_with_an_equals_sign", "rustc rejects such an attribute, and still passes the value to the macro"),
];

/// How rustc's own errors begin. All others are the macros'.
const RUSTC_ERRORS: [&str; 16] = [
    "error: cannot find attribute",
    "error: future cannot be sent between threads safely",
    "error: key-value macro attributes are not supported",
    "error: literal out of range",
    "error[E0015]",
    "error[E0119]",
    "error[E0277]: `?` couldn't convert",
    "error[E0277]: `Cell<u32>` cannot be shared",
    "error[E0277]: `Rc<u32>` cannot be",
    "error[E0277]: `Vec<String>` doesn't implement",
    "error[E0308]",
    "error[E0425]",
    "error[E0432]",
    "error[E0433]",
    "error[E0599]",
    "error[E0600]",
];

/// Each error of the macros has one of these, before what to write.
const INSTRUCTIONS: [&str; 6] = ["write ", "remove ", "move ", "rename ", "return ", "must be at least "];

struct Golden {
    fixture: String,
    text: String,
}

impl Golden {
    /// Sorted by the names of their fixtures.
    fn all() -> Vec<Self> {
        let mut all: Vec<_> = files("stderr")
            .into_iter()
            .map(|fixture| {
                let text = fs::read_to_string(directory().join(format!("{fixture}.stderr"))).unwrap();
                Self { fixture, text }
            })
            .collect();
        all.sort_by(|one, other| one.fixture.cmp(&other.fixture));
        assert!(all.len() > 200, "{} golden files are found", all.len());
        all
    }

    /// The errors and warnings in the file, each with its notes. An empty line separates two.
    fn errors(&self) -> Vec<Vec<&str>> {
        let mut errors: Vec<Vec<&str>> = Vec::new();
        for line in self.text.lines().filter(|line| !line.is_empty()) {
            match errors.last_mut() {
                Some(error) if !line.starts_with("error") && !line.starts_with("warning") => error.push(line),
                _ => errors.push(vec![line]),
            }
        }
        errors
    }
}

fn directory() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mistakes"))
}

/// The names of the files with this extension, without the extension.
fn files(extension: &str) -> BTreeSet<String> {
    let paths = fs::read_dir(directory()).unwrap().map(|entry| entry.unwrap().path());
    let paths = paths.filter(|path| path.extension().is_some_and(|found| found == extension));
    paths.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

/// Compiles all fixtures in one project, by one call of cargo.
///
/// | part | fixtures |
/// |---|---|
/// | S2a | `health_check_with_a_body`, `health_check_that_streams` |
/// | S2b | `path_without_slash`, `health_check_on_a_path_without_slash`, `health_check_on_a_path_with_a_parameter` |
/// | S2c | `zero_timeout`, `zero_threshold` and their other spellings |
/// | S2d | `setting_unknown`, `setting_twice` |
/// | S2e | `two_endpoints_on_a_path` and its relatives |
/// | S2f | `app_without_an_endpoint`, `block_without_an_endpoint` |
#[test]
fn every_mistake_is_reported_as_in_its_golden_file_s1_s2_s4() {
    trybuild::TestCases::new().compile_fail("tests/mistakes/*.rs");
}

#[test]
fn every_fixture_has_a_golden_file_and_every_golden_file_a_fixture() {
    assert_eq!(files("rs"), files("stderr"));
}

#[test]
fn one_mistake_is_one_error() {
    for golden in Golden::all() {
        let explained = TWO_ERRORS.iter().any(|(fixture, _)| *fixture == golden.fixture);
        let expected = if explained { 2 } else { 1 };
        assert_eq!(golden.errors().len(), expected, "{}:\n{}", golden.fixture, golden.text);
        assert!(!golden.text.contains("warning:"), "{}:\n{}", golden.fixture, golden.text);
    }
}

/// The lines of an error include the source code and the notes that rustc prints with it.
#[test]
fn the_median_error_has_at_most_six_lines_and_the_longest_at_most_twenty() {
    let goldens = Golden::all();
    let mut lengths: Vec<_> = goldens
        .iter()
        .flat_map(|golden| golden.errors().into_iter().map(|error| (error.len(), golden.fixture.as_str())))
        .collect();
    lengths.sort_unstable();
    let (median, _) = lengths[lengths.len() / 2];
    let (longest, fixture) = lengths[lengths.len() - 1];
    assert!(median <= 6, "{median} lines");
    assert!(longest <= 20, "{longest} lines: {fixture}");
}

#[test]
fn every_error_of_the_macros_says_what_to_write() {
    for golden in Golden::all() {
        for error in golden.errors() {
            let is_ours = !RUSTC_ERRORS.iter().any(|text| error[0].starts_with(text));
            // The lines of source code do not count.
            let mut lines = error.iter().filter(|line| !line.contains(" |     #[") && !line.contains("-->"));
            let has_instruction = lines.any(|line| INSTRUCTIONS.iter().any(|text| line.contains(text)));
            assert!(!is_ours || has_instruction, "{}:\n{}", golden.fixture, golden.text);
        }
    }
}

/// rustc quotes the source of the standard library where that component is installed.
#[test]
fn no_golden_file_depends_on_the_source_of_the_standard_library() {
    for golden in Golden::all() {
        assert!(!golden.text.contains("$RUST"), "{}:\n{}", golden.fixture, golden.text);
    }
}
