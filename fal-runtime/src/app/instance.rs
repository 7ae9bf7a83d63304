//! A running app, with its type erased.

use std::any::Any;
use std::sync::Arc;

/// A running app whose type has been erased: one value for the life of a runner.
pub type Instance = Arc<dyn Any + Send + Sync>;
