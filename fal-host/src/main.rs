//! `fal-host -- COMMAND`: keeps servers of any kind alive and healthy, and sends them requests.

use std::process::ExitCode;

fn main() -> ExitCode {
    fal_host::cli::main()
}
