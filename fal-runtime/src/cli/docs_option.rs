//! The option of the page `/docs` (S78), and how a runner learns it.

use clap::Args;

use super::values;
use crate::docs_page::DocsPage;

/// The variable of the option. A host sets it for its runners.
pub(crate) const VARIABLE: &str = "FAL_DOCS";

/// The option of the page `/docs`.
#[derive(Debug, Args)]
pub(super) struct DocsOption {
    /// Show the endpoints at `/docs`, to try them in a browser
    ///
    /// Everyone who can send requests to the app can open the page. An endpoint of that path takes precedence.
    #[arg(long, value_name = "BOOLEAN", env = VARIABLE, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = values::boolean)]
    docs: bool,
}

impl DocsOption {
    pub(super) fn page(&self) -> DocsPage {
        if self.docs { DocsPage::On } else { DocsPage::Off }
    }

    /// The value of the variable for the runners of a host.
    #[cfg(feature = "host")]
    pub(super) fn value(&self) -> &'static str {
        if self.docs { "true" } else { "false" }
    }
}

/// What the variable says to a runner. The command line of the host has reported an invalid value.
pub(crate) fn of_environment() -> DocsPage {
    match std::env::var(VARIABLE).map(|value| values::boolean(&value)) {
        Ok(Ok(true)) => DocsPage::On,
        _ => DocsPage::Off,
    }
}
