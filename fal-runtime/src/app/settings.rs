//! The settings of an app, and the options of `#[app]` that set them.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::cors::Cors;

/// How long a start may take if the app does not declare it (S35f).
#[cfg(feature = "cli")]
const DEFAULT_STARTUP_TIMEOUT: Duration = Duration::from_secs(600);

/// The settings of an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    name: &'static str,
    version: &'static str,
    description: &'static str,
    startup_timeout: Option<u32>,
    termination_grace_period: Option<u32>,
    max_multiplexing: Option<NonZeroU32>,
    request_timeout: Option<u32>,
    body_limit: Option<usize>,
    cors: Option<Cors>,
}

impl Settings {
    /// The app's name on the command line and in logs. Default: the name of its type in kebab case.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The app's version. Default: the version of its crate.
    pub const fn version(&self) -> &'static str {
        self.version
    }

    /// The doc comment of the declaration. Empty if there is none.
    pub const fn description(&self) -> &'static str {
        self.description
    }

    /// The time from the start of a runner's process until it must be ready. It also raises the start period
    /// of the health check ([S8](fal_health::semantics#s8)). `None` if the app does not declare it: then the
    /// host's limit applies ([S35](fal_health::semantics#s35)).
    pub const fn startup_timeout(&self) -> Option<Duration> {
        match self.startup_timeout {
            Some(seconds) => Some(Duration::from_secs(seconds as u64)),
            None => None,
        }
    }

    /// How long a start may take, declared or not (S35f).
    #[cfg(feature = "cli")]
    pub(crate) fn startup_limit(&self) -> Duration {
        self.startup_timeout().unwrap_or(DEFAULT_STARTUP_TIMEOUT)
    }

    /// The time that a runner has to finish its calls after SIGTERM ([S33](fal_health::semantics#s33),
    /// [S42](fal_health::semantics#s42)). Default: 5 s.
    pub const fn termination_grace_period(&self) -> Duration {
        match self.termination_grace_period {
            Some(seconds) => Duration::from_secs(seconds as u64),
            None => Duration::from_secs(5),
        }
    }

    /// The number of requests that a runner serves at the same time ([S38](fal_health::semantics#s38)).
    /// Default: 1.
    pub const fn max_multiplexing(&self) -> NonZeroU32 {
        match self.max_multiplexing {
            Some(requests) => requests,
            None => NonZeroU32::MIN,
        }
    }

    /// The time until a runner must begin its response to a request ([S38](fal_health::semantics#s38)).
    /// Default: no limit.
    pub const fn request_timeout(&self) -> Option<Duration> {
        match self.request_timeout {
            Some(seconds) => Some(Duration::from_secs(seconds as u64)),
            None => None,
        }
    }

    /// The maximum size of a request body in bytes, unless an endpoint declares its own. A larger body is answered
    /// with status 413. Default: 2 MiB.
    pub const fn body_limit(&self) -> usize {
        match self.body_limit {
            Some(bytes) => bytes,
            None => 2 * 1024 * 1024,
        }
    }

    /// The CORS policy: which web pages of other origins may call the app. Default: none.
    pub const fn cors(&self) -> Option<Cors> {
        self.cors
    }

    /// Whether the option with this name was declared, even as its default.
    #[cfg(feature = "cli")]
    pub(crate) fn declares(&self, name: &str) -> bool {
        match name {
            "name" | "version" => true,
            "startup_timeout" => self.startup_timeout.is_some(),
            "termination_grace_period" => self.termination_grace_period.is_some(),
            "max_multiplexing" => self.max_multiplexing.is_some(),
            "request_timeout" => self.request_timeout.is_some(),
            "body_limit" => self.body_limit.is_some(),
            "cors" => self.cors.is_some(),
            _ => false,
        }
    }
}

/// The options of `#[app(…)]`, each a `const` setter of the same name. In a const context, a value out of range is
/// a compile error; elsewhere it panics.
///
/// ```
/// use fal_runtime::declaration::AppOptions;
///
/// const OPTIONS: AppOptions = AppOptions::new("my-app", "1.0.0").max_multiplexing(4);
/// assert_eq!(OPTIONS.settings().max_multiplexing().get(), 4);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct AppOptions(Settings);

impl AppOptions {
    /// The default options: no `startup_timeout`, a `termination_grace_period` of 5 s, a `max_multiplexing` of 1,
    /// no `request_timeout`, a `body_limit` of 2 MiB, no `cors`.
    pub const fn new(name: &'static str, version: &'static str) -> Self {
        Self(Settings {
            name,
            version,
            description: "",
            startup_timeout: None,
            termination_grace_period: None,
            max_multiplexing: None,
            request_timeout: None,
            body_limit: None,
            cors: None,
        })
    }

    /// Sets the name on the command line and in logs. It must not be empty.
    ///
    /// # Panics
    ///
    /// If the name is empty. In a const context that is a compile error.
    #[track_caller]
    pub const fn name(mut self, name: &'static str) -> Self {
        assert!(!name.is_empty(), "name must not be empty: write the name for the command line and the log");
        self.0.name = name;
        self
    }

    /// Sets the version, which `GET /health` and the OpenAPI document show.
    pub const fn version(mut self, version: &'static str) -> Self {
        self.0.version = version;
        self
    }

    /// Sets the description in the OpenAPI document.
    pub const fn description(mut self, description: &'static str) -> Self {
        self.0.description = description;
        self
    }

    /// Sets the time from the start of a runner's process until it must be ready. Seconds, at least 1.
    ///
    /// # Panics
    ///
    /// If the value is 0. In a const context that is a compile error.
    #[track_caller]
    pub const fn startup_timeout(mut self, seconds: u32) -> Self {
        assert!(seconds > 0, "startup_timeout must be at least 1: with 0 no runner becomes ready");
        self.0.startup_timeout = Some(seconds);
        self
    }

    /// Sets the time that a runner has to finish its calls after SIGTERM. Seconds, from 0. Default: 5.
    pub const fn termination_grace_period(mut self, seconds: u32) -> Self {
        self.0.termination_grace_period = Some(seconds);
        self
    }

    /// Sets the number of requests that a runner serves at the same time. At least 1. Default: 1.
    ///
    /// # Panics
    ///
    /// If the value is 0. In a const context that is a compile error.
    #[expect(clippy::panic, reason = "a compile error where declarations are checked")]
    #[track_caller]
    pub const fn max_multiplexing(mut self, requests: u32) -> Self {
        let Some(requests) = NonZeroU32::new(requests) else {
            panic!("max_multiplexing must be at least 1: with 0 no request is served")
        };
        self.0.max_multiplexing = Some(requests);
        self
    }

    /// Sets the time from when the host sends a request until the runner must begin its response. Seconds, at least
    /// 1. Default: no limit. After it, the client gets 504 `request_timeout`, and the host checks that runner.
    ///
    /// # Panics
    ///
    /// If the value is 0. In a const context that is a compile error.
    #[track_caller]
    pub const fn request_timeout(mut self, seconds: u32) -> Self {
        assert!(seconds > 0, "request_timeout must be at least 1: with 0 no request is answered in time");
        self.0.request_timeout = Some(seconds);
        self
    }

    /// Sets the maximum size of a request body, unless an endpoint declares its own. Bytes. Default: 2 MiB
    /// (2,097,152).
    pub const fn body_limit(mut self, bytes: usize) -> Self {
        self.0.body_limit = Some(bytes);
        self
    }

    /// Sets which web pages of other origins may call the app. Default: none. A bare `cors` in `#[app(cors)]` means
    /// [`Cors::any()`].
    pub const fn cors(mut self, cors: Cors) -> Self {
        self.0.cors = Some(cors);
        self
    }

    /// The settings that result.
    pub const fn settings(self) -> Settings {
        self.0
    }
}
