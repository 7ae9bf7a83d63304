//! What an app is, once its type has been erased.

mod settings;

use std::any::{Any, TypeId};
use std::pin::Pin;
use std::sync::Arc;

use fal_health::HealthCheckSpec;

use crate::{Calls, Error};
pub use settings::{AppOptions, Settings};

/// A running app whose type has been erased: one value for the life of a runner.
pub type Instance = Arc<dyn Any + Send + Sync>;

/// A future whose type has been erased.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A type that `#[app]` has declared to be an app.
pub trait App: Sized + Send + Sync + 'static {
    /// The app with its type erased.
    #[doc(hidden)]
    fn declaration() -> &'static Declaration;

    /// How a host checks this app's runners; none where no endpoint is declared to be the health check.
    fn health_check() -> Option<HealthCheckSpec> {
        Self::declaration().health_check()
    }
}

/// One app of this binary, its type erased.
#[derive(Debug)]
pub struct Declaration {
    /// What the app declares of itself.
    pub settings: Settings,
    /// The app's type, by which the blocks of its endpoints find it.
    pub type_id: fn() -> TypeId,
    /// Makes the app. Dropping the future stops an async setup and abandons a blocking one (S42).
    pub setup: fn() -> BoxFuture<Result<Instance, Error>>,
    /// Tells the app that its runner is to stop (S42).
    pub handle_exit: fn(Instance) -> BoxFuture<()>,
    /// Ends the app (S42).
    pub teardown: fn(Instance) -> BoxFuture<Result<(), Error>>,
    /// Adds the app's own layers to its router.
    pub layer: fn(axum::Router) -> axum::Router,
}

impl Declaration {
    /// Every app that is linked into this binary, sorted by name.
    pub fn all() -> Vec<&'static Self> {
        Vec::new()
    }

    /// How a host checks this app's runners; none where no endpoint is declared to be the health check.
    pub fn health_check(&self) -> Option<HealthCheckSpec> {
        None
    }

    /// Everything that the app answers over HTTP.
    pub fn router(&self, _instance: Instance, _calls: Arc<Calls>) -> axum::Router {
        axum::Router::new()
    }

    /// The OpenAPI document.
    pub fn openapi(&self) -> serde_json::Value {
        serde_json::Value::Null
    }

    /// What is wrong with the declaration and can be seen only when it is whole.
    pub fn problems(&self) -> Vec<String> {
        Vec::new()
    }
}
