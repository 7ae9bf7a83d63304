//! The command line of a program with apps.

pub(crate) mod describe;
pub(crate) mod logging;
pub(crate) mod select;

use std::process::ExitCode;

use crate::runner::as_runner;

/// Does what the program's arguments say.
pub fn main() -> ExitCode {
    if let Some(code) = as_runner() {
        return code;
    }
    ExitCode::SUCCESS
}
