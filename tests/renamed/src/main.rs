//! A program whose apps are in a library.

use std::process::ExitCode;

use fal_tests_renamed as _;

fn main() -> ExitCode {
    renamed::main()
}
