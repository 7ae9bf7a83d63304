//! The traits of an app's type.

use fal_health::HealthCheckSpec;

use super::declaration::Declaration;

/// A type that requests can share across threads.
#[diagnostic::on_unimplemented(
    message = "requests cannot share `{Self}`",
    label = "an app must be `Send`, `Sync` and `'static`",
    note = "write a `Mutex` or an atomic for mutable state, `Arc` instead of `Rc`, and owned types instead of references"
)]
pub trait Shared: Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Send + Sync + 'static> Shared for T {}

/// An app. `#[app]` implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an app",
    note = "write `#[app]` above the struct, or above the `impl` block with its `setup`"
)]
pub trait App: Sized + Shared {
    /// The value of [`declaration`](Self::declaration), as `#[app]` writes it.
    #[doc(hidden)]
    const DECLARATION: &'static Declaration;

    /// The declaration, with the app's type erased.
    fn declaration() -> &'static Declaration {
        Self::DECLARATION
    }

    /// How a host checks this app's runners. `None` if no endpoint is the health check.
    fn health_check() -> Option<HealthCheckSpec> {
        Self::declaration().health_check()
    }
}
