//! The subcommand `run`: serves an app with a host.

use std::process::ExitCode;
use std::thread;

use clap::ArgMatches;
use fal_host::cli::Banner;

use super::config::sections;
use super::describe::Endpoints;
use super::options::RunOptions;
use super::{docs_option, select, settings};
use crate::error::{Error, Result};
use crate::host;

/// Serves the app with a host until a signal stops it.
pub(super) fn run(options: &RunOptions, given: &ArgMatches) -> Result<ExitCode> {
    let app = select::app(options.app.name.as_deref())?;
    let spec = host::spec_of(app);
    let title = format!("{} {}", app.settings.name(), app.settings.version());
    let details = format!("endpoints\n{}", Endpoints(&app.endpoints()));
    let settings = settings::json(&sections(app, Some(options.settings()), given)).to_string();
    let banner = Banner { title: &title, details: &details, app: &spec, settings: &settings };
    // On its own thread: the caller may be on a tokio runtime, which cannot block on another one.
    let ended = thread::scope(|scope| {
        let host = thread::Builder::new().name("fal-host".to_owned());
        let run = || {
            fal_host::cli::run(banner, &options.host, || {
                Ok(host::of(app)?.env_each(docs_option::VARIABLE, options.docs.value()))
            })
        };
        Ok::<_, Error>(host.spawn_scoped(scope, run)?.join())
    })?;
    // The panic hook has printed the panic.
    ended.unwrap_or(Ok(ExitCode::FAILURE)).map_err(Error::from)
}
