//! Prints what systemd and Kubernetes need to run the app, computed from its declaration.

mod kubernetes;
mod systemd;
#[cfg(test)]
mod tests;
mod times;

#[cfg(feature = "yaml")]
pub(super) use self::kubernetes::check;
pub(super) use self::kubernetes::{KubernetesOptions, manifests};
pub(super) use self::systemd::{SystemdOptions, hidden_from_a_unit, units};
