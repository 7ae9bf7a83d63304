//! The Python tools that read the document.

use std::io::Write;
use std::net::SocketAddr;
use std::process::Command;

use tempfile::NamedTempFile;

/// Holds a document against the official schema of a version.
pub(crate) fn validate(document: &str, version: &str) {
    let mut file = NamedTempFile::with_suffix(".json").unwrap();
    file.write_all(document.as_bytes()).unwrap();
    pass(Command::new("openapi-spec-validator").args(["--schema", version]).arg(file.path()));
}

/// Asks whatever is served there for everything that its document lets one think of.
pub(crate) fn fuzz(address: SocketAddr) {
    let directory = tempfile::tempdir().unwrap();
    let mut command = Command::new("schemathesis");
    command.arg("run").arg(format!("http://{address}/openapi.json"));
    command.args(["--checks", "all", "--continue-on-failure", "--max-examples", "100"]);
    // The same requests each time: a test that fails now and then is broken.
    command.args(["--seed", "1", "--generation-deterministic", "--no-color"]);
    // It takes the schema of an event's data for that of the whole event, rewrites that of a tuple as older drafts have it, and
    // writes any text as the name of a part of form data, which makes the head of the part malformed.
    command.args(["--exclude-path", "/count", "--exclude-path", "/pair", "--exclude-path", "/upload"]);
    // It leaves things in the directory that it runs in.
    pass(command.current_dir(directory.path()));
}

pub(crate) fn pass(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?}: {status}");
}
