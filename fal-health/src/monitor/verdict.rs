//! What a monitor concludes from all checks so far.

/// The health of a runner, as far as its checks show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// No check has passed, and no failure counts.
    Unknown,
    /// The last conclusive check passed.
    Healthy,
    /// There are counted failures in a row, but fewer than the threshold.
    Failing {
        /// How many.
        streak: u32,
    },
    /// The runner is to be replaced.
    Unhealthy,
}

impl Verdict {
    /// The name of the verdict in the admin interface.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Healthy => "healthy",
            Self::Failing { .. } => "failing",
            Self::Unhealthy => "unhealthy",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_have_the_names_that_the_admin_interface_shows() {
        let verdicts =
            [Verdict::Unknown, Verdict::Healthy, Verdict::Failing { streak: 2 }, Verdict::Unhealthy];
        assert_eq!(verdicts.map(Verdict::name), ["unknown", "healthy", "failing", "unhealthy"]);
    }
}
