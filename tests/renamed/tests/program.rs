//! What a program makes of apps that stand in a library, by a crate that calls `fal-runtime` otherwise.

#![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::process::Command;

use fal_tests_renamed::{Counter, Greeter};
use renamed::App;

fn printed(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_fal-tests-renamed")).args(arguments).output();
    let output = output.expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it prints text")
}

#[test]
fn a_program_has_the_apps_of_the_libraries_that_it_links() {
    let listed = printed(&["list"]);
    assert!(listed.contains("counter") && listed.contains("greeter"), "{listed}");
}

#[test]
fn two_apps_of_a_program_have_their_own_endpoints() {
    let [counter, greeter] = ["counter", "greeter"].map(|app| printed(&["openapi", "--app", app]));
    assert!(counter.contains("/letters/{at}") && counter.contains("there is no text"), "{counter}");
    assert!(!greeter.contains("/letters/{at}"), "{greeter}");
}

#[test]
fn a_renamed_crate_is_named_by_an_option() {
    let timeout =
        |check: Option<renamed::HealthCheckSpec>| check.map(|check| check.config.timeout().as_secs());
    assert_eq!(timeout(Counter::health_check()), Some(2));
    assert_eq!(timeout(Greeter::health_check()), Some(5));
}
