//! How much of a request has reached the runner.

/// What of a request has reached the runner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Progress {
    #[default]
    Nothing,
    Something,
    /// Something, and the runner does not take the rest yet.
    Blocked,
    /// Something, and the rest cannot be written.
    Broken,
    /// Something, and the client left when the runner did not take the rest yet.
    GivenUp,
}

impl Progress {
    pub(super) const fn has_begun(self) -> bool {
        !matches!(self, Self::Nothing)
    }

    pub(super) const fn is_broken(self) -> bool {
        matches!(self, Self::Broken | Self::GivenUp)
    }

    pub(super) const fn is_blocked(self) -> bool {
        matches!(self, Self::Blocked | Self::GivenUp)
    }

    /// The runner does not take more now.
    pub(super) const fn block(&mut self) {
        if self.has_begun() {
            *self = Self::Blocked;
        }
    }

    /// The rest of the request will not come.
    pub(super) const fn give_up(&mut self) {
        *self = match self {
            Self::Nothing => Self::Nothing,
            Self::Blocked | Self::GivenUp => Self::GivenUp,
            Self::Something | Self::Broken => Self::Broken,
        };
    }
}
