//! What `setup` reports, and which models it refuses.

use std::fs;
use std::path::Path;

use crate::host::program;
use crate::tiny_model::write_tiny_model;

/// The exit code and the log of a runner that cannot start.
fn failed_start(model: &Path) -> (Option<i32>, String) {
    let output = program(model).args(["serve", "--listen", "tcp:127.0.0.1:0"]).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_directory_without_a_model_fails_in_setup_and_the_file_is_named() {
    let empty = tempfile::tempdir().unwrap();
    let (code, log) = failed_start(empty.path());
    assert_eq!(code, Some(3), "{log}");
    assert!(log.contains("config.json"), "{log}");
}

#[test]
fn weights_that_give_nan_fail_in_setup_after_it_has_reported_its_progress() {
    let model = tempfile::tempdir().unwrap();
    write_tiny_model(model.path());
    let path = model.path().join("model.safetensors");
    let mut weights = fs::read(&path).unwrap();
    // A float whose bits are all 1 is NaN. The tensors follow the header, whose length is the first number.
    let header = usize::try_from(u64::from_le_bytes(weights[..8].try_into().unwrap())).unwrap();
    weights[8 + header..].fill(0xff);
    fs::write(&path, weights).unwrap();

    let (code, log) = failed_start(model.path());
    assert_eq!(code, Some(3), "{log}");
    let mut rest = log.as_str();
    for step in [
        "reading the weights",
        "moving the weights to the device",
        "running a first inference",
        "the weights are damaged",
    ] {
        let (_, after) = rest.split_once(step).unwrap_or_else(|| panic!("no {step:?} in its place: {log}"));
        rest = after;
    }
}
