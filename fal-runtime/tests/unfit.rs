//! The command line of a program whose app cannot be served. It is its own program: such an app makes `list` fail.

#![expect(clippy::unwrap_used, clippy::unused_async, reason = "a test, and the shape of endpoints")]

use std::process::Command;

use fal_runtime::extract::Query;
use fal_runtime::prelude::*;

#[derive(Default)]
struct Unfit;

#[app]
impl Unfit {
    #[endpoint("/search")]
    async fn search(&self, _: Query<u32>) {}
}

const IS_PROGRAM: &str = "UNFIT_IS_PROGRAM";

fn main() -> ExitCode {
    if std::env::var_os(IS_PROGRAM).is_some() {
        return fal_runtime::main();
    }
    no_command_serves_an_app_that_takes_what_no_request_can_be_read_as();
    ExitCode::SUCCESS
}

fn no_command_serves_an_app_that_takes_what_no_request_can_be_read_as() {
    for command in ["run", "serve", "openapi", "config", "list"] {
        let mut program = Command::new(std::env::current_exe().unwrap());
        let output = program.arg(command).env(IS_PROGRAM, "yes").output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        let told = "error: the app `unfit` cannot be served: the endpoint `search` takes `Query<u32>`, but a query has \
                    names: write a struct";
        assert!(said.contains(told), "{command}: {said}");
        assert_eq!(output.status.code(), Some(1), "{command}");
    }
}
