//! The bound on replacements because of periodic checks (S40).

use std::num::NonZeroUsize;

/// How many runners may be replaced at a time because of periodic checks (S40).
#[derive(Clone, Copy, Debug)]
pub(crate) enum MaxReplacing {
    Third,
    Bound(NonZeroUsize),
    Unbounded,
}

impl MaxReplacing {
    /// The bound for this number of runners; `None` for no bound.
    pub(crate) fn of(self, runners: NonZeroUsize) -> Option<NonZeroUsize> {
        match self {
            Self::Third => Some(NonZeroUsize::new(runners.get() / 3).unwrap_or(NonZeroUsize::MIN)),
            Self::Bound(bound) => Some(bound),
            Self::Unbounded => None,
        }
    }
}
