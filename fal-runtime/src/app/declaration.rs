use std::any::TypeId;
use std::sync::Arc;

use fal_health::HealthCheckSpec;

use super::{Block, BoxFuture, Instance, Registered, Settings, Setup};
use crate::endpoint::Running;
use crate::{Calls, Endpoint, Error, openapi, router};

/// One app of this binary, its type erased.
#[derive(Clone, Debug)]
pub struct Declaration {
    /// What the app declares of itself.
    pub settings: Settings,
    /// The app's type, by which the blocks of its endpoints find it.
    pub type_id: fn() -> TypeId,
    /// Makes the app. Dropping the future stops an async setup and abandons a blocking one (S42).
    pub setup: fn(Setup) -> BoxFuture<Result<Instance, Error>>,
    /// Tells the app that its runner is to stop (S42). Its failure is logged.
    pub handle_exit: fn(Instance) -> BoxFuture<()>,
    /// Ends the app; an error where a call of it still runs (S42).
    pub teardown: fn(Instance) -> BoxFuture<Result<(), Error>>,
    /// Adds the app's own layers to its router.
    pub layer: fn(axum::Router) -> axum::Router,
}

impl Declaration {
    /// Every app that is linked into this binary, sorted by name.
    pub fn all() -> Vec<&'static Self> {
        let mut apps: Vec<_> = inventory::iter::<Registered>().map(|registered| registered.0).collect();
        apps.sort_by_key(|app| app.settings.name());
        apps
    }

    /// Its endpoints, in the order of their files and lines.
    pub fn endpoints(&self) -> Vec<&'static Endpoint> {
        Block::all((self.type_id)()).into_iter().flat_map(Block::endpoints).copied().collect()
    }

    /// How a host checks this app's runners; none where no endpoint is declared to be the health check.
    pub fn health_check(&self) -> Option<HealthCheckSpec> {
        let check = |row: &Endpoint| Some(HealthCheckSpec::post(row.path(), row.is_health_check()?));
        self.endpoints().into_iter().find_map(check)
    }

    /// Where the health check is called.
    pub(crate) fn health_path(&self) -> Option<&'static str> {
        self.endpoints().into_iter().find(|row| row.is_health_check().is_some()).map(Endpoint::path)
    }

    /// Everything that the app answers over HTTP. Types that no request can be read as are for
    /// [`problems`](Self::problems) to tell.
    pub fn router(&self, instance: Instance, calls: Arc<Calls>) -> axum::Router {
        self.surround(router::build(self, Running::new(self, instance, calls)))
    }

    /// Puts around a router what the app declares to be around it.
    pub(crate) fn surround(&self, router: axum::Router) -> axum::Router {
        let router = (self.layer)(router);
        // Outermost: pages of other origins read what layers refuse, too.
        match self.settings.cors() {
            Some(cors) => cors.around(router),
            None => router,
        }
    }

    /// The OpenAPI 3.1 document.
    pub fn openapi(&self) -> serde_json::Value {
        openapi::document(self)
    }

    /// What its endpoints take whose schemas have rules that fal-runtime does not check, a sentence each. A type that
    /// derives `garde::Validate` is checked; whether one checks itself where it is deserialized cannot be told.
    pub fn unchecked(&self) -> Vec<String> {
        openapi::unchecked(&self.endpoints())
    }

    /// What is wrong with the declaration and shows only when all its blocks are known and its types describe
    /// themselves, a sentence each.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = self.misfits();
        if self.endpoints().is_empty() {
            problems.push(format!(
                "the app `{}` has no endpoint: write `#[endpoint(\"/path\")]` over a method of an `#[endpoints] impl` block",
                self.settings.name()
            ));
        }
        let name = self.settings.name();
        if Self::all().iter().filter(|app| app.settings.name() == name).count() > 1 {
            problems
                .push(format!("two apps are called `{name}`: give one another name, `#[app(name = \"…\")]`"));
        }
        problems
    }

    /// What is wrong with what its endpoints take, a sentence each: no request could be read as it.
    pub(crate) fn misfits(&self) -> Vec<String> {
        openapi::misfits(&self.endpoints())
    }
}
