//! The page of an app's endpoints in Chromium, judged by axe-core (S78c).

use std::process::Command;

use super::client;

/// With `SCREENSHOTS`, the directory of that name gets pictures of the page.
#[test]
#[ignore = "needs Node with ws and axe-core, and Chromium"]
fn the_page_of_the_endpoints_is_used_in_a_browser_and_is_accessible_s78c() {
    let mut script = Command::new("node");
    script.arg(client("docs_page.mjs"));
    script.args([env!("CARGO_BIN_EXE_fixture"), env!("CARGO_BIN_EXE_quickstart")]);
    let ended = script.output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}
