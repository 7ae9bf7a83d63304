//! The conversion of errors into an [`Error`] by `?`.

use super::handler_error::Error;

/// An error that `?` converts into an [`Error`].
///
/// `Box<dyn Error>` does not implement [`std::error::Error`], and neither do the errors of anyhow and eyre. An impl of `From` for
/// them would conflict with the one for every `std::error::Error`. So the compile error names [`Error::from_boxed`].
#[diagnostic::on_unimplemented(
    label = "not a `std::error::Error`: implement it, or write `.map_err(Error::from_boxed)?` for a boxed error, of anyhow or eyre too"
)]
pub trait IsStdError: std::error::Error + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<E: std::error::Error + Send + Sync + 'static> IsStdError for E {}

impl<E: IsStdError> From<E> for Error {
    /// Not inlined: it is compiled once for each type of error, not at every question mark.
    #[cold]
    #[inline(never)]
    fn from(error: E) -> Self {
        Self::of(error)
    }
}
