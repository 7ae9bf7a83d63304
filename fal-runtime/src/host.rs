//! The host, for a `main` of one's own: everything of `fal-host`, and [`builder`].

use std::io;

#[doc(no_inline)]
pub use fal_host::*;

use crate::{App, Cors, Declaration};

/// A host whose runners are this very program: its `main` begins with [`as_runner`](crate::as_runner), which turns the
/// process into a runner when a host has started it.
///
/// ```no_run
/// use fal_runtime::prelude::*;
/// # #[derive(Default)]
/// # struct MyApp;
/// # #[app]
/// # impl MyApp {
/// #     #[endpoint("/")]
/// #     async fn predict(&self) -> u32 { 1 }
/// # }
///
/// #[tokio::main]
/// async fn serve() -> Result<()> {
///     let host = fal_runtime::host::builder::<MyApp>()?.start().await?;
///     println!("serving on http://{}", host.address());
///     host.stopped().await;
///     Ok(())
/// }
///
/// fn main() -> ExitCode {
///     if let Some(code) = fal_runtime::as_runner() {
///         return code;
///     }
///     serve().map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
/// }
/// ```
///
/// # Errors
///
/// Where the system does not say which program this is.
pub fn builder<A: App>() -> io::Result<HostBuilder> {
    of(A::declaration())
}

pub(crate) fn of(app: &Declaration) -> io::Result<HostBuilder> {
    let mut runner = Host::this_program()?;
    runner.env("FAL_RUNNER_APP", app.settings.name());
    Ok(Host::builder(spec_of(app), runner))
}

/// What a host has to know of an app.
pub(crate) fn spec_of(app: &Declaration) -> AppSpec {
    let settings = &app.settings;
    AppSpec {
        name: settings.name().to_owned(),
        health_check: app.health_check(),
        startup_timeout: settings.startup_timeout(),
        termination_grace_period: settings.termination_grace_period(),
        max_multiplexing: settings.max_multiplexing(),
        request_timeout: settings.request_timeout(),
        origins: settings
            .cors()
            .map(Cors::origins)
            .unwrap_or_default()
            .iter()
            .map(ToString::to_string)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use crate::prelude::*;

    #[derive(Default)]
    struct Open;

    #[app(cors = crate::Cors::only(&["https://app.example.com"]))]
    impl Open {
        #[endpoint("/")]
        async fn nothing(&self) {}
    }

    #[test]
    fn a_host_lets_the_pages_read_its_errors_that_may_call_the_app_s38() {
        assert_eq!(super::spec_of(Open::declaration()).origins, ["https://app.example.com"]);
    }
}
