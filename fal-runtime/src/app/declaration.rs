//! The declaration of one app.

use std::any::TypeId;

use futures_util::future::BoxFuture;

use super::instance::Instance;
use super::settings::Settings;
use super::setup::Setup;
use crate::error::Error;

/// One app of this binary, its type erased.
#[derive(Clone, Debug)]
pub struct Declaration {
    /// What the app declares of itself.
    pub settings: Settings,
    /// The app's type, by which the blocks of its endpoints find it.
    pub type_id: fn() -> TypeId,
    /// Makes the app. Dropping the future stops an async setup and abandons a blocking one (S42).
    pub setup: fn(Setup) -> BoxFuture<'static, Result<Instance, Error>>,
    /// Tells the app that its runner is to stop (S42). Its failure is logged.
    pub handle_exit: fn(Instance) -> BoxFuture<'static, ()>,
    /// Ends the app; an error where a call of it still runs (S42).
    pub teardown: fn(Instance) -> BoxFuture<'static, Result<(), Error>>,
    /// Adds the app's own layers to its router.
    pub layer: fn(axum::Router) -> axum::Router,
}
