//! The declaration of one app.

use std::any::TypeId;

use futures_util::future::BoxFuture;

use super::instance::Instance;
use super::settings::Settings;
use super::setup::Setup;
use crate::error::Error;

/// The declaration of one app, with its type erased.
#[derive(Clone, Debug)]
pub struct Declaration {
    /// The app's settings.
    pub settings: Settings,
    /// The app's type. The blocks of its endpoints are found by it.
    #[doc(hidden)]
    pub type_id: fn() -> TypeId,
    /// Runs `setup`. Dropping the future stops an async setup and abandons a blocking one
    /// ([S42](fal_health::semantics#s42)).
    #[doc(hidden)]
    pub setup: fn(Setup) -> BoxFuture<'static, Result<Instance, Error>>,
    /// Runs `handle_exit` ([S42](fal_health::semantics#s42)). A failure is logged.
    #[doc(hidden)]
    pub handle_exit: fn(Instance) -> BoxFuture<'static, ()>,
    /// Runs `teardown`. It is an error while a call still runs ([S42](fal_health::semantics#s42)).
    #[doc(hidden)]
    pub teardown: fn(Instance) -> BoxFuture<'static, Result<(), Error>>,
    /// Adds the app's own layers to its router.
    #[doc(hidden)]
    pub layer: fn(axum::Router) -> axum::Router,
}
