//! How many runners there should be, and how that changes (S76).

use std::num::NonZeroUsize;

use serde::Serialize;

/// How to change the number of runners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(any(feature = "cli", test)), expect(dead_code, reason = "only signals scale by one"))]
pub(crate) enum Scale {
    /// To this number.
    To(NonZeroUsize),
    /// One more.
    Up,
    /// One fewer, but at least one.
    Down,
}

/// How many runners and spares a host keeps ([S76](fal_health::semantics#s76)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ScaleTarget {
    /// Runners in the rotation.
    pub runners: NonZeroUsize,
    /// Further runners that are ready ([S75](fal_health::semantics#s75)).
    pub spares: usize,
}
