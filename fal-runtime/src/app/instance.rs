//! A running app, with its type erased.

use std::any::Any;
use std::sync::Arc;

/// The value that `setup` returned, with its type erased. A runner has one.
pub type Instance = Arc<dyn Any + Send + Sync>;
