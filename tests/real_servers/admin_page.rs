//! The live page of the admin interface in Chromium, judged by axe-core (S89).

use std::process::Command;

use super::client;

#[test]
#[ignore = "needs Node with ws and axe-core, and Chromium"]
fn what_is_wrong_is_seen_on_the_page_at_a_glance_s89d_s89e_s89f() {
    let mut script = Command::new("node");
    script.arg(client("sick_page.mjs")).arg(env!("CARGO_BIN_EXE_host_program"));
    let ended = script.output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}

/// With `SCREENSHOTS`, the directory of that name gets pictures of the page.
#[test]
#[ignore = "needs Node with ws and axe-core, and Chromium"]
fn the_page_follows_its_host_in_a_browser_and_is_accessible_s89b() {
    let mut script = Command::new("node");
    script.arg(client("admin_page.mjs")).arg(env!("CARGO_BIN_EXE_quickstart"));
    let ended = script.output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}
