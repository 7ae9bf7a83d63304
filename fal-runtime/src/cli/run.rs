use std::process::ExitCode;

use fal_host::cli::Serving;

use super::describe::Endpoints;
use super::options::RunOptions;
use super::select;
use crate::Result;
use crate::host;

/// Serves the app with a host until it is told to stop.
pub(super) fn run(options: &RunOptions) -> Result<ExitCode> {
    let app = select::app(options.app.name.as_deref())?;
    let spec = host::spec_of(app);
    let title = format!("{} {}", app.settings.name(), app.settings.version());
    let details = format!("endpoints\n{}", Endpoints(&app.endpoints()));
    let serving = Serving { title: &title, details: &details, app: &spec };
    Ok(fal_host::cli::run(serving, &options.host, || Ok(host::of(app)?))?)
}
