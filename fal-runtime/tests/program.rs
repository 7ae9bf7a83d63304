//! The command line of a program with an app that cannot be served, and with one that declares rules that are not checked. It is
//! its own program: the first makes `list` fail.

#![expect(clippy::unwrap_used, clippy::unused_async, reason = "a test, and the shape of endpoints")]

use std::process::{Command, Output};

use fal_runtime::extract::Query;
use fal_runtime::prelude::*;

#[derive(Default)]
struct Unfit;

#[app]
impl Unfit {
    #[endpoint("/search")]
    async fn search(&self, _: Query<u32>) {}
}

#[derive(Deserialize, JsonSchema)]
struct Note {
    #[schemars(length(min = 1))]
    text: String,
}

#[derive(Default)]
struct Promising;

#[app]
impl Promising {
    #[endpoint("/note")]
    async fn note(&self, note: Note) -> usize {
        note.text.len()
    }
}

const IS_PROGRAM: &str = "UNFIT_IS_PROGRAM";

fn main() -> ExitCode {
    if std::env::var_os(IS_PROGRAM).is_some() {
        return fal_runtime::main();
    }
    no_command_serves_an_app_that_takes_what_no_request_can_be_read_as();
    the_document_comes_with_a_warning_about_rules_that_are_not_checked();
    ExitCode::SUCCESS
}

fn program(arguments: &[&str]) -> Output {
    let mut program = Command::new(std::env::current_exe().unwrap());
    program.args(arguments).env(IS_PROGRAM, "yes").output().unwrap()
}

fn no_command_serves_an_app_that_takes_what_no_request_can_be_read_as() {
    for command in ["run", "serve", "openapi", "config", "list"] {
        let app: &[_] = if command == "list" { &[] } else { &["--app", "unfit"] };
        let output = program(&[&[command], app].concat());
        let said = String::from_utf8(output.stderr).unwrap();
        let told = "error: the app `unfit` cannot be served: the endpoint `search` takes `Query<u32>`, but a query has \
                    names: write a struct";
        assert!(said.contains(told), "{command}: {said}");
        assert_eq!(output.status.code(), Some(1), "{command}");
    }
}

fn the_document_comes_with_a_warning_about_rules_that_are_not_checked() {
    let output = program(&["openapi", "--app", "promising"]);
    let said = String::from_utf8(output.stderr).unwrap();
    let told = "warning: the endpoint `note` takes `Note`, whose schema has rules (`minLength` of `text`)";
    assert!(said.starts_with(told), "{said}");
    assert!(output.stdout.starts_with(b"{\n"), "the document is as it is");
    assert_eq!(output.status.code(), Some(0));
}
