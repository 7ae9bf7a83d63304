//! A running app whose type has been erased, and futures whose types have been.

use std::any::Any;
use std::pin::Pin;
use std::sync::Arc;

/// A running app whose type has been erased: one value for the life of a runner.
pub type Instance = Arc<dyn Any + Send + Sync>;

/// A future whose type has been erased.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;
