//! The settings of an app, and the options of `#[app]` that set them.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::cors::Cors;

/// What an app declares of itself besides its endpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    name: &'static str,
    version: &'static str,
    description: &'static str,
    startup_timeout: Option<u32>,
    termination_grace_period: u32,
    max_multiplexing: NonZeroU32,
    request_timeout: Option<u32>,
    body_limit: usize,
    cors: Option<Cors>,
}

impl Settings {
    /// What the app is called, on the command line and in logs. Default: its type's name in kebab case.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The app's version. Default: that of the crate that declares it.
    pub const fn version(&self) -> &'static str {
        self.version
    }

    /// What the doc comment of the declaration says; empty where there is none.
    pub const fn description(&self) -> &'static str {
        self.description
    }

    /// How long a runner may take from the start of its process until it is ready, where the app declares it. It
    /// also raises the start period of the health check (S8). Where it is not declared, a host's own limit holds
    /// (S35).
    pub const fn startup_timeout(&self) -> Option<Duration> {
        match self.startup_timeout {
            Some(seconds) => Some(Duration::from_secs(seconds as u64)),
            None => None,
        }
    }

    /// How long a runner that is told to stop may finish what it has (S33, S42). Default: 5 s.
    pub const fn termination_grace_period(&self) -> Duration {
        Duration::from_secs(self.termination_grace_period as u64)
    }

    /// How many requests a runner serves at a time (S38). Default: 1.
    pub const fn max_multiplexing(&self) -> NonZeroU32 {
        self.max_multiplexing
    }

    /// How long a request may take until its runner begins to answer (S38). Default: as long as it likes.
    pub const fn request_timeout(&self) -> Option<Duration> {
        match self.request_timeout {
            Some(seconds) => Some(Duration::from_secs(seconds as u64)),
            None => None,
        }
    }

    /// The largest body that an endpoint takes which declares no limit of its own, in bytes; a larger one is answered
    /// 413. Default: 2 MiB.
    pub const fn body_limit(&self) -> usize {
        self.body_limit
    }

    /// Which web pages of other origins may call the app. Default: none.
    pub const fn cors(&self) -> Option<Cors> {
        self.cors
    }
}

/// The options of `#[app(…)]`, each a `const` setter of its name, so that a declaration is checked while it is
/// compiled: a value outside an option's range is a compile error in a const context (a panic elsewhere).
///
/// ```
/// use fal_runtime::AppOptions;
///
/// const OPTIONS: AppOptions = AppOptions::new("my-app", "1.0.0").max_multiplexing(4);
/// assert_eq!(OPTIONS.settings().max_multiplexing().get(), 4);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct AppOptions(Settings);

impl AppOptions {
    /// The defaults: no `startup_timeout`, a `termination_grace_period` of 5 s, a `max_multiplexing` of 1, no
    /// `request_timeout`, a `body_limit` of 2 MiB, no `cors`.
    pub const fn new(name: &'static str, version: &'static str) -> Self {
        Self(Settings {
            name,
            version,
            description: "",
            startup_timeout: None,
            termination_grace_period: 5,
            max_multiplexing: NonZeroU32::MIN,
            request_timeout: None,
            body_limit: 2 * 1024 * 1024,
            cors: None,
        })
    }

    /// What the app is called, on the command line and in logs. Not empty.
    ///
    /// # Panics
    ///
    /// On an empty name; in a const context that is a compile error.
    #[track_caller]
    pub const fn name(mut self, name: &'static str) -> Self {
        assert!(!name.is_empty(), "name must not be empty: write the name for the command line and the log");
        self.0.name = name;
        self
    }

    /// The app's version, as `GET /health` and the OpenAPI document give it.
    pub const fn version(mut self, version: &'static str) -> Self {
        self.0.version = version;
        self
    }

    /// What the app is, for people who read the OpenAPI document.
    pub const fn description(mut self, description: &'static str) -> Self {
        self.0.description = description;
        self
    }

    /// How long a runner may take from the start of its process until it is ready. Seconds, from 1.
    ///
    /// # Panics
    ///
    /// On 0; in a const context that is a compile error.
    #[track_caller]
    pub const fn startup_timeout(mut self, seconds: u32) -> Self {
        assert!(seconds > 0, "startup_timeout must be at least 1: with 0 no runner becomes ready");
        self.0.startup_timeout = Some(seconds);
        self
    }

    /// How long a runner that is told to stop may finish what it has. Seconds, from 0; default 5.
    pub const fn termination_grace_period(mut self, seconds: u32) -> Self {
        self.0.termination_grace_period = seconds;
        self
    }

    /// How many requests a runner serves at a time. From 1; default 1.
    ///
    /// # Panics
    ///
    /// On 0; in a const context that is a compile error.
    #[expect(clippy::panic, reason = "a compile error where declarations are checked")]
    #[track_caller]
    pub const fn max_multiplexing(mut self, requests: u32) -> Self {
        let Some(requests) = NonZeroU32::new(requests) else {
            panic!("max_multiplexing must be at least 1: with 0 no request is served")
        };
        self.0.max_multiplexing = requests;
        self
    }

    /// How long a request may take from when the host sends it to a runner until that begins to answer. Seconds, from 1;
    /// default: as long as it likes. Then the client reads 504 `request_timeout`, and the host checks that runner.
    ///
    /// # Panics
    ///
    /// On 0; in a const context that is a compile error.
    #[track_caller]
    pub const fn request_timeout(mut self, seconds: u32) -> Self {
        assert!(seconds > 0, "request_timeout must be at least 1: with 0 no request is answered in time");
        self.0.request_timeout = Some(seconds);
        self
    }

    /// The largest body that an endpoint takes which declares no limit of its own. Bytes; default 2 MiB (2,097,152).
    pub const fn body_limit(mut self, bytes: usize) -> Self {
        self.0.body_limit = bytes;
        self
    }

    /// Which web pages of other origins may call the app; default none. A bare `cors` in `#[app(cors)]` is
    /// [`Cors::any()`].
    pub const fn cors(mut self, cors: Cors) -> Self {
        self.0.cors = Some(cors);
        self
    }

    /// What has been set.
    pub const fn settings(self) -> Settings {
        self.0
    }
}
