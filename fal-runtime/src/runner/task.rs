//! Errors of tasks that run the app's code.

use tokio::task::JoinError;

use crate::error::Error;

/// Why a task of the app has no result: a panic, or the end of its runtime.
pub(super) fn task_error(error: JoinError) -> Error {
    match error.try_into_panic() {
        Ok(panic) => Error::panicked(&*panic),
        Err(cancelled) => cancelled.into(),
    }
}
