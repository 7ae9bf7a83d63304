//! The option that selects an app.

use clap::Args;

/// The option that selects an app.
#[derive(Debug, Args)]
pub(super) struct AppOption {
    /// The app to use, if this program has several
    ///
    /// `list` prints the names of the apps.
    #[arg(long = "app", value_name = "NAME", env = "FAL_APP")]
    pub(super) name: Option<String>,
}
