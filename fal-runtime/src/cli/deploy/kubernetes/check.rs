//! Checks a file of manifests against the app's declaration.

use std::fmt;
use std::fs;
use std::path::Path;

use saphyr::{LoadableYamlNode, Yaml};

use super::container::{self, Run};
use super::node::Node;
use super::probes::{self, Liveness, PodProbe};
use super::{KubernetesOptions, label};
use crate::app::Declaration;
use crate::cli::deploy::times::Times;
use crate::error::{Error, Result};

/// A value that does not fit the declaration.
#[derive(Debug, PartialEq, Eq)]
struct Mismatch {
    path: String,
    has: String,
    wants: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let Self { path, has, wants } = self;
        write!(formatter, "\n  {path}\n    has {has}, wants {wants}")
    }
}

/// Checks the file. Only values that are computed from the declaration matter.
pub(crate) fn check(app: &Declaration, options: &KubernetesOptions, file: &Path) -> Result<()> {
    let shown = file.display();
    let text =
        fs::read_to_string(file).map_err(|error| Error::msg(format!("cannot read {shown}: {error}")))?;
    let mismatches = mismatches(app, options.object_name.as_deref(), &text)
        .map_err(|problem| Error::msg(format!("cannot check {shown}: {problem}")))?;
    if mismatches.is_empty() {
        return Ok(());
    }
    let name = app.settings.name();
    let list: String = mismatches.iter().map(ToString::to_string).collect();
    Err(Error::msg(format!("{shown} does not fit the declaration of `{name}`:{list}")))
}

/// Every value of the app's Deployment that does not fit. `name` is the name of the Deployment, if it is not the app's.
fn mismatches(app: &Declaration, name: Option<&str>, text: &str) -> Result<Vec<Mismatch>, String> {
    let manifests = Yaml::load_from_str(text).map_err(|error| {
        let is_template = text.contains("{{");
        format!("{error}{}", if is_template { "; render the templates before" } else { "" })
    })?;
    // `kubectl get --output yaml` prints a list.
    let manifests: Vec<_> = manifests.iter().map(Node::root).flat_map(in_list).collect();
    let deployment = deployment(app, name, &manifests)?.key("spec");
    let pod = deployment.key("template").key("spec");
    let container = container::of_app(&pod).ok_or("call the container of the app `app`: there are others")?;
    let mut mismatches = Mismatches::default();
    let run = match container::run(&container) {
        Ok(run) => run,
        Err(error) => {
            let has = format!("arguments that this program refuses ({error})");
            mismatches.push(&container.key("args"), has, "`run` or `serve` and their options".to_owned());
            return Ok(mismatches.0);
        }
    };
    mismatches.time_to_stop(&pod, app, run);
    mismatches.time_of_a_rollout(&deployment.key("progressDeadlineSeconds"), run.times(&app.settings));
    mismatches.startup(&container.key("startupProbe"), &probes::startup(run.times(&app.settings)));
    if let Some((has, wants)) = run.addresses.unreachable() {
        mismatches.push(&container.key("args"), has, wants);
    }
    for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
        let probe = container.key(probe);
        if let Some((has, wants)) = run.addresses.wrong_port(run.form, &container, &probe) {
            mismatches.push(&probe.key("httpGet").key("port"), has, wants);
        }
    }
    let (readiness, liveness) = (container.key("readinessProbe"), container.key("livenessProbe"));
    mismatches.path(&readiness, &probes::readiness(run.form).path);
    match probes::liveness(app, run.form) {
        Liveness::Host(probe) => mismatches.path(&liveness, &probe.path),
        Liveness::Check(probe) => mismatches.health_check(&liveness, &probe),
        Liveness::None(_) => mismatches.no_health_check(&liveness, app),
    }
    Ok(mismatches.0)
}

/// The manifests of a list, or this one.
fn in_list(manifest: Node<'_>) -> Vec<Node<'_>> {
    let kind = manifest.key("kind").text().unwrap_or_default();
    if kind.ends_with("List") { manifest.key("items").items() } else { vec![manifest] }
}

/// The Deployment of this name, or the only one.
fn deployment<'a>(app: &Declaration, name: Option<&str>, manifests: &[Node<'a>]) -> Result<Node<'a>, String> {
    let of_kind = |manifest: &&Node| manifest.key("kind").text() == Some("Deployment");
    let deployments: Vec<_> = manifests.iter().filter(of_kind).collect();
    let wanted = label(name.unwrap_or(app.settings.name()));
    let named = |manifest: &&&Node| manifest.key("metadata").key("name").text() == Some(&wanted);
    match (deployments.iter().find(named), deployments.as_slice()) {
        (Some(found), _) => Ok((**found).clone()),
        (None, [only]) if name.is_none() => Ok((*only).clone()),
        (None, []) => {
            Err("there is no Deployment in it; of Helm or Kustomize, check what they render".to_owned())
        }
        (None, _) => Err(format!("no Deployment is called `{wanted}`: name it with `--name`")),
    }
}

/// What does not fit.
#[derive(Debug, Default)]
struct Mismatches(Vec<Mismatch>);

impl Mismatches {
    fn push(&mut self, node: &Node, has: String, wants: String) {
        self.0.push(Mismatch { path: node.path().to_owned(), has, wants });
    }

    /// A value must be this one.
    fn equals(&mut self, node: &Node, wanted: u64, default: u64) {
        if node.number() != Some(wanted) && (node.exists() || wanted != default) {
            self.push(node, node.shown_as_number(), wanted.to_string());
        }
    }

    /// A pod may have more time to stop than the host needs.
    fn time_to_stop(&mut self, pod: &Node, app: &Declaration, run: Run) {
        let node = pod.key("terminationGracePeriodSeconds");
        let times = run.times(&app.settings);
        if node.number().is_none_or(|has| has < times.stop()) {
            let wants = format!("at least {}: {}", times.stop(), times.explained_stop());
            self.push(&node, node.shown_as_number(), wants);
        }
    }

    /// A rollout must not count as failed while a pod may still start.
    fn time_of_a_rollout(&mut self, node: &Node, times: Times) {
        let (has, wants) = (node.number().unwrap_or(600), times.startup_window());
        if has <= wants {
            let shown = if node.exists() { node.shown_as_number() } else { format!("{has}, the default") };
            self.push(
                node,
                shown,
                format!("more than {wants}, the time of a start; {} has room", times.rollout()),
            );
        }
    }

    /// A pod may have more time to start than the app needs.
    fn startup(&mut self, node: &Node, wanted: &PodProbe) {
        self.path(node, &wanted.path);
        // What is missing has the default of Kubernetes.
        let number = |key, default| node.key(key).number().unwrap_or(default);
        let (delay, period, failures) =
            (number("initialDelaySeconds", 0), number("periodSeconds", 10), number("failureThreshold", 3));
        let (has, wants) = (delay + period * failures, wanted.period * wanted.threshold);
        if node.exists() && has < wants {
            let reason = wanted.reasons.first().map_or("", String::as_str);
            let has = format!("{failures} times {period} s, in all {has} s");
            self.push(&node.key("failureThreshold"), has, format!("at least {wants} s. {reason}"));
        }
    }

    /// A probe must call this path.
    fn path(&mut self, probe: &Node, wanted: &str) {
        let node = probe.key("httpGet").key("path");
        if node.text() != Some(wanted) {
            self.push(&node, node.shown(), wanted.to_owned());
        }
    }

    /// The health check of a bare runner has its own parameters. How often Kubernetes makes it is the operator's choice.
    fn health_check(&mut self, node: &Node, wanted: &PodProbe) {
        self.path(node, &wanted.path);
        if node.exists() {
            self.equals(&node.key("initialDelaySeconds"), wanted.initial_delay, 0);
            self.equals(&node.key("timeoutSeconds"), wanted.timeout, 1);
            self.equals(&node.key("failureThreshold"), wanted.threshold, 3);
        }
    }

    /// A health check that is made only on request is no probe.
    fn no_health_check(&mut self, liveness: &Node, app: &Declaration) {
        let node = liveness.key("httpGet").key("path");
        if let Some(check) = app.health_check()
            && node.text() == Some(&check.path)
        {
            self.push(&node, node.shown(), "no probe: the app is checked only on request".to_owned());
        }
    }
}
