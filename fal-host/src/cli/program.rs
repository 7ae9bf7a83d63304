use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, ExitCode};

use clap::Parser;

use super::app::AppOptions;
use super::{Failure, HostOptions, Serving, run};
use crate::{AppSpec, Host, PortLauncher};

const AFTER_HELP: &str = "\
Examples:
  fal-host -- python3 server.py                                   replaced when it ends
  fal-host --health GET:/health -- python3 server.py              and when its health check fails
  fal-host --runners 4 --max-multiplexing 8 -- python3 server.py  four servers, eight requests at a time each

Every option can also be given as the environment variable that its help names; the option wins. FAL_LOG filters the \
log on standard error: `debug`, `warn`, `off`.";

/// Keeps servers of any kind alive and healthy, and sends them requests
///
/// Starts a command as often as there are to be runners, each with a port of its own in the environment variable PORT,
/// on which it is to listen on 127.0.0.1. A runner is ready when its port takes a connection. Runners that fail their
/// health check or end are replaced; requests wait meanwhile.
///
/// SIGTERM and Ctrl-C stop it when the requests in flight have ended; a second one, from 100 ms after the first, stops it at
/// once. SIGHUP replaces all runners, one after another, without losing a request; where standard input is a terminal it stops it, too.
#[derive(Debug, Parser)]
#[command(name = "fal-host", version, after_help = AFTER_HELP)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) app: AppOptions,

    #[command(flatten)]
    pub(super) host: HostOptions,

    /// The command that every runner is, with its arguments
    #[arg(required = true, last = true, value_name = "COMMAND")]
    pub(super) command: Vec<OsString>,
}

/// The whole program `fal-host`: what its `main` returns.
pub fn main() -> ExitCode {
    serve(&Arguments::parse()).unwrap_or_else(|error| {
        let _ = writeln!(io::stderr(), "error: {error}");
        ExitCode::FAILURE
    })
}

fn serve(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let app = arguments.spec();
    let serving = Serving { title: &app.name, details: "", app: &app };
    run(serving, &arguments.host, || {
        Ok(Host::with_launcher(app.clone(), PortLauncher::new(arguments.runner())))
    })
}

impl Arguments {
    /// The command without its arguments; there is one, since it is required.
    fn program(&self) -> &OsStr {
        self.command.first().map(OsString::as_os_str).unwrap_or_default()
    }

    pub(super) fn runner(&self) -> Command {
        let mut command = Command::new(self.program());
        command.args(self.command.iter().skip(1));
        command
    }

    /// What the host has to know. Where no name is given, it is the file's.
    pub(super) fn spec(&self) -> AppSpec {
        let file = Path::new(self.program()).file_name().unwrap_or_default();
        self.app.spec(&file.to_string_lossy())
    }
}
