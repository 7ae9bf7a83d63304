//! What an app is, as a type.

use fal_health::HealthCheckSpec;

use super::declaration::Declaration;

/// What the requests to an app can share, on whatever threads they are served.
#[diagnostic::on_unimplemented(
    message = "requests cannot share `{Self}`",
    label = "an app must be `Send`, `Sync` and `'static`",
    note = "write a `Mutex` or an atomic for mutable state, `Arc` instead of `Rc`, and owned types instead of references"
)]
pub trait Shared: Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Send + Sync + 'static> Shared for T {}

/// A type that `#[app]` has declared to be an app.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an app",
    note = "write `#[app]` above the struct, or above the `impl` block with its `setup`"
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
