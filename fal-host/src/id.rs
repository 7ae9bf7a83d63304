//! The id of a runner.

use std::fmt;

use serde::Serialize;

/// The id of one runner of one host. Ids rise from 1 and are never used twice ([S21](fal_health::semantics#s21)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct RunnerId(u64);

impl RunnerId {
    pub(crate) const fn new(id: u64) -> Self {
        Self(id)
    }

    /// The id as a number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for RunnerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
