//! The subcommand `kubernetes`: its options, the manifests that it prints, and what it checks in a file of manifests.

#[cfg(feature = "yaml")]
mod check;
#[cfg(feature = "yaml")]
mod container;
mod manifests;
#[cfg(feature = "yaml")]
mod node;
#[cfg(feature = "yaml")]
mod ports;
mod probes;

use std::num::NonZeroU16;
#[cfg(feature = "yaml")]
use std::path::PathBuf;

use clap::Args;

#[cfg(feature = "yaml")]
pub(crate) use self::check::check;
pub(crate) use self::manifests::manifests;
use crate::cli::app_option::AppOption;

#[derive(Debug, Args)]
pub(crate) struct KubernetesOptions {
    #[command(flatten)]
    pub(crate) app: AppOption,

    /// The container image, whose entry point is this program
    #[cfg_attr(feature = "yaml", arg(long, value_name = "IMAGE", required_unless_present = "check"))]
    #[cfg_attr(not(feature = "yaml"), arg(long, value_name = "IMAGE", required = true))]
    pub(crate) image: Option<String>,

    /// The name of every object [default: the name of the app]
    #[arg(long = "name", value_name = "NAME")]
    pub(crate) object_name: Option<String>,

    /// How many pods there are
    #[arg(long, value_name = "COUNT", default_value = "2")]
    pub(crate) replicas: NonZeroU16,

    /// How many runners there are in a pod
    #[arg(long, value_name = "COUNT", default_value = "1", conflicts_with = "bare")]
    pub(crate) runners: NonZeroU16,

    /// Run one runner in a pod, without a host
    ///
    /// Kubernetes then calls the health check, and restarts the container.
    #[arg(long)]
    pub(crate) bare: bool,

    /// Scale up to this many pods by CPU
    #[arg(long, value_name = "COUNT")]
    pub(crate) max_replicas: Option<NonZeroU16>,

    /// A pod needs a device that no other pod may hold at the same time
    ///
    /// Its successor then starts after it has ended.
    #[arg(long)]
    pub(crate) exclusive: bool,

    /// Check the manifests in this file instead of printing them
    ///
    /// Compares only what is computed from the app's declaration: the probes, the time to stop, and the arguments of the container,
    /// which this program must accept. Prints what does not fit, and exits with 1. Everything else in the file is yours.
    #[cfg(feature = "yaml")]
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["image", "replicas", "runners", "bare", "max_replicas", "exclusive"]
    )]
    pub(crate) check: Option<PathBuf>,
}

impl KubernetesOptions {
    /// The name of every object.
    fn name(&self, app: &str) -> String {
        label(self.object_name.as_deref().unwrap_or(app))
    }
}

/// A name as Kubernetes allows it: lower-case letters, digits and dashes, at most 63.
fn label(name: &str) -> String {
    let letter =
        |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' };
    let name: String = name.chars().map(letter).collect();
    // The name of a Service begins with a letter.
    let prefix = if name.starts_with(|first: char| first.is_ascii_lowercase()) { "" } else { "app-" };
    let label: String = prefix.chars().chain(name.trim_matches('-').chars()).take(63).collect();
    label.trim_end_matches('-').to_owned()
}
