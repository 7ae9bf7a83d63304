//! What a host needs to know about the app that its runners run.

use std::num::NonZeroU32;
use std::time::Duration;

use fal_health::{HealthCheckSpec, effective_start_period};

/// What a host needs to know about the app that its runners run.
///
/// Every setter has the name of its field:
///
/// ```
/// use std::time::Duration;
/// use fal_host::{AppSpec, HealthCheck, HealthCheckSpec};
///
/// let app = AppSpec::new("my-app")
///     .health_check(HealthCheckSpec::post("/health", HealthCheck::new()))
///     .request_timeout(Duration::from_secs(30));
/// assert_eq!(app.name, "my-app");
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AppSpec {
    /// The app's name, as logs and the admin interface show it.
    pub name: String,
    /// How the host checks its runners. Default: `None`, and then a runner is replaced only when its process ends.
    pub health_check: Option<HealthCheckSpec>,
    /// The headers of every check, as names and values. Default: none, and then a check has `host: localhost`. The host
    /// sets `x-fal-*` and what frames a message itself ([S16](fal_health::semantics#s16)).
    pub health_headers: Vec<(String, String)>,
    /// How long a start may take, as the app declares it. It also raises the start period
    /// ([S8](fal_health::semantics#s8)). Default: `None`, and then a start may take 600 s and the start
    /// period stays as declared.
    pub startup_timeout: Option<Duration>,
    /// The time from SIGTERM to SIGKILL ([S33](fal_health::semantics#s33)). Default: 5 s.
    pub termination_grace_period: Duration,
    /// How many requests one runner serves at a time ([S38](fal_health::semantics#s38)). Default: 1.
    pub max_multiplexing: NonZeroU32,
    /// How long a request may take, from when the host sends it to a runner until the response head arrives. Default:
    /// `None`, no limit.
    ///
    /// The time in the queue and the time of the response body do not count. The limit starts again when the
    /// request body is complete. At the limit the client gets 504 `request_timeout`; the host may be late by
    /// an eighth of the limit, at most 2 s. The runner gets a manual check, since it may be stuck. The
    /// request keeps its permit until the runner closes the connection ([S38](fal_health::semantics#s38)). A
    /// client whose body is incomplete at the limit gets 408 `client_timeout` instead, and the runner is not
    /// checked ([S43](fal_health::semantics#s43)).
    pub request_timeout: Option<Duration>,
    /// The paths of the endpoints that the app declares, such as `/users/{id}`. Default: none. Metrics count requests by them
    /// ([S82b](fal_health::semantics#s82b)).
    pub endpoints: Vec<String>,
    /// The idempotent endpoints, as methods and paths such as `/users/{id}`. Default: none.
    ///
    /// If a runner loses a request to one of them before it has answered, the host sends it once more, to another runner if
    /// one has a free permit ([S59](fal_health::semantics#s59)). So the app may get it twice. A request whose body has more
    /// than 64 KiB is not sent again.
    pub idempotent: Vec<(String, String)>,
    /// Whether the same holds for every request with the method GET, HEAD, OPTIONS, PUT or DELETE. Default: false.
    pub retry_idempotent: bool,
    /// The web origins whose pages may call the app: `https://app.example.com`, or `*` for every origin. Default: none,
    /// and then the host forwards preflight requests like any other request.
    ///
    /// Pages of these origins can read the host's own errors. The host answers their preflight requests itself, for
    /// every path and without a runner: any method and any headers, with cookies where origins are named, valid for
    /// 10 minutes. The runners set the CORS headers of all other responses.
    pub origins: Vec<String>,
}

impl AppSpec {
    /// An app without a health check and with the default of every other field.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            health_check: None,
            health_headers: Vec::new(),
            startup_timeout: None,
            termination_grace_period: Duration::from_secs(5),
            max_multiplexing: NonZeroU32::MIN,
            request_timeout: None,
            endpoints: Vec::new(),
            idempotent: Vec::new(),
            retry_idempotent: false,
            origins: Vec::new(),
        }
    }

    /// Sets [`health_check`](Self#structfield.health_check).
    #[must_use]
    pub fn health_check(mut self, health_check: impl Into<Option<HealthCheckSpec>>) -> Self {
        self.health_check = health_check.into();
        self
    }

    /// Sets [`health_headers`](Self#structfield.health_headers).
    #[must_use]
    pub fn health_headers(
        mut self,
        headers: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
    ) -> Self {
        self.health_headers = headers.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        self
    }

    /// Sets [`startup_timeout`](Self#structfield.startup_timeout).
    #[must_use]
    pub fn startup_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.startup_timeout = timeout.into();
        self
    }

    /// Sets [`termination_grace_period`](Self#structfield.termination_grace_period).
    #[must_use]
    pub fn termination_grace_period(mut self, grace_period: Duration) -> Self {
        self.termination_grace_period = grace_period;
        self
    }

    /// Sets [`max_multiplexing`](Self#structfield.max_multiplexing).
    #[must_use]
    pub fn max_multiplexing(mut self, requests: NonZeroU32) -> Self {
        self.max_multiplexing = requests;
        self
    }

    /// Sets [`request_timeout`](Self#structfield.request_timeout).
    #[must_use]
    pub fn request_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.request_timeout = timeout.into();
        self
    }

    /// Sets [`endpoints`](Self#structfield.endpoints).
    #[must_use]
    pub fn endpoints(mut self, paths: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.endpoints = paths.into_iter().map(Into::into).collect();
        self
    }

    /// Sets [`idempotent`](Self#structfield.idempotent).
    #[must_use]
    pub fn idempotent(
        mut self,
        endpoints: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
    ) -> Self {
        self.idempotent = endpoints.into_iter().map(|(method, path)| (method.into(), path.into())).collect();
        self
    }

    /// Sets [`retry_idempotent`](Self#structfield.retry_idempotent).
    #[must_use]
    pub fn retry_idempotent(mut self) -> Self {
        self.retry_idempotent = true;
        self
    }

    /// Sets [`origins`](Self#structfield.origins).
    #[must_use]
    pub fn origins(mut self, origins: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.origins = origins.into_iter().map(Into::into).collect();
        self
    }

    /// The start period that counts ([S8](fal_health::semantics#s8)). `None` for an app without a health
    /// check.
    pub fn effective_start_period(&self) -> Option<Duration> {
        self.health_check.as_ref().map(|spec| effective_start_period(&spec.config, self.startup_timeout))
    }
}
