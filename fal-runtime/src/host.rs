//! The host, for your own `main`: everything of `fal-host`, and [`builder`].

use std::io;

#[doc(no_inline)]
pub use fal_host::*;

use fal_health::protocol::variable;

use crate::app::{App, Declaration};
use crate::cors::Cors;

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
    runner.env(variable::APP, app.settings.name());
    Ok(Host::builder(spec_of(app), runner))
}

/// What a host has to know of an app.
pub(crate) fn spec_of(app: &Declaration) -> AppSpec {
    let settings = &app.settings;
    let endpoints = app.endpoints();
    let idempotent = endpoints
        .iter()
        .filter(|endpoint| endpoint.is_idempotent())
        .flat_map(|endpoint| endpoint.methods().iter().map(|method| (method.as_str(), endpoint.path())));
    AppSpec::new(settings.name())
        .health_check(app.health_check())
        .startup_timeout(settings.startup_timeout())
        .termination_grace_period(settings.termination_grace_period())
        .max_multiplexing(settings.max_multiplexing())
        .request_timeout(settings.request_timeout())
        .endpoints(endpoints.iter().map(|endpoint| endpoint.path()))
        .idempotent(idempotent)
        .origins(settings.cors().map(Cors::origins).unwrap_or_default().iter().map(ToString::to_string))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use axum::body::Body;
    use fal_host::{Host, LaunchError, Launcher, RunnerHandle, RunnerId, StatusReporter};
    use http::{HeaderMap, Request};
    use hyper_util::rt::TokioIo;
    use tokio::net::TcpStream;
    use tower::ServiceExt;

    use crate::app::Declaration;
    use crate::cors::Cors;
    use crate::prelude::*;

    #[derive(Default)]
    struct Restricted;

    #[app(cors = Cors::only(&["https://app.example.com"]))]
    impl Restricted {
        #[endpoint("/")]
        async fn nothing(&self) {}
    }

    #[derive(Default)]
    struct Open;

    #[app(cors)]
    impl Open {
        #[endpoint("/")]
        async fn nothing(&self) {}
    }

    /// Starts no runner.
    struct Nobody;

    impl Launcher for Nobody {
        fn launch(&mut self, _: RunnerId, _: StatusReporter) -> Result<Box<dyn RunnerHandle>, LaunchError> {
            Err(LaunchError::new("this launcher starts no runner"))
        }
    }

    #[test]
    fn a_host_lets_the_pages_read_its_errors_that_may_call_the_app_s38f() {
        assert_eq!(super::spec_of(Restricted::declaration()).origins, ["https://app.example.com"]);
    }

    #[derive(Default)]
    struct Repeated;

    #[app]
    impl Repeated {
        #[endpoint("/embed", idempotent)]
        async fn embed(&self) {}

        #[endpoint("/users/{id}", method = GET, idempotent)]
        async fn user(&self, _id: crate::extract::Path<u32>) {}

        #[endpoint("/pay")]
        async fn pay(&self) {}
    }

    #[test]
    fn a_host_learns_which_endpoints_are_idempotent_s59a() {
        let spec = super::spec_of(Repeated::declaration());
        let mut idempotent: Vec<_> =
            spec.idempotent.iter().map(|(method, path)| format!("{method} {path}")).collect();
        idempotent.sort();
        assert_eq!(idempotent, ["GET /users/{id}", "POST /embed"]);
        assert!(!spec.retry_idempotent);
    }

    /// The response to a preflight request, without the headers of its connection.
    fn told(headers: &HeaderMap) -> BTreeMap<String, String> {
        let words =
            headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
        words
            .filter(|(name, _)| !["x-fal-request-id", "date", "content-length"].contains(&name.as_str()))
            .collect()
    }

    async fn preflight_of_a_host(app: &Declaration, request: Request<Body>) -> BTreeMap<String, String> {
        let host = Host::with_launcher(super::spec_of(app), Nobody).start().await.unwrap();
        let stream = TcpStream::connect(host.address()).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.status(), 200);
        told(response.headers())
    }

    #[tokio::test]
    async fn a_host_without_a_runner_answers_a_preflight_as_a_runner_does() {
        for (app, router) in [
            (Restricted::declaration(), crate::router(Restricted)),
            (Open::declaration(), crate::router(Open)),
        ] {
            for asks in ["content-type, authorization", ""] {
                let request = || {
                    let mut request = Request::options("/anywhere")
                        .header("host", "test")
                        .header("origin", "https://app.example.com")
                        .header("access-control-request-method", "PUT");
                    if !asks.is_empty() {
                        request = request.header("access-control-request-headers", asks);
                    }
                    request.body(Body::empty()).unwrap()
                };
                let response = router.clone().oneshot(request()).await.unwrap();
                assert_eq!(response.status(), 200);
                let answer = told(response.headers());
                assert!(answer.contains_key("access-control-allow-origin"), "{answer:?}");
                assert_eq!(preflight_of_a_host(app, request()).await, answer, "{asks:?}");
            }
        }
    }
}
