//! What an app is, once its type has been erased.

mod declaration;
pub(crate) mod lifecycle;
mod registry;
mod settings;
mod setup;

use std::any::Any;
use std::pin::Pin;
use std::sync::Arc;

use fal_health::HealthCheckSpec;

pub use declaration::Declaration;
pub use registry::{Block, Registered};
pub use settings::{AppOptions, Settings};
pub use setup::{Progress, Setup};

/// A running app whose type has been erased: one value for the life of a runner.
pub type Instance = Arc<dyn Any + Send + Sync>;

/// A future whose type has been erased.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What the requests to an app can share, on whatever threads they are served.
#[diagnostic::on_unimplemented(
    message = "requests cannot share `{Self}`",
    label = "an app is `Send`, `Sync` and `'static`",
    note = "put what changes behind a `Mutex` or in an atomic, write `Arc` instead of `Rc`, and borrow nothing"
)]
pub trait Shared: Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Send + Sync + 'static> Shared for T {}

/// A type that `#[app]` has declared to be an app.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no app",
    note = "write `#[app]` over the struct, or over the `impl` block with its `setup`"
)]
pub trait App: Sized + Shared {
    /// What `#[app]` writes for [`declaration`](Self::declaration).
    #[doc(hidden)]
    const DECLARATION: &'static Declaration;

    /// The app with its type erased.
    fn declaration() -> &'static Declaration {
        Self::DECLARATION
    }

    /// How a host checks this app's runners; none where no endpoint is declared to be the health check.
    fn health_check() -> Option<HealthCheckSpec> {
        Self::declaration().health_check()
    }
}
