//! The manifests of Kubernetes. A comment explains each number.

use std::fmt::Write;
use std::num::NonZeroU16;
use std::time::Duration;

use super::KubernetesOptions;
use super::probes::{self, Form, Liveness, PodProbe};
use crate::app::Declaration;
use crate::cli::deploy::times::Times;
use crate::error::{Error, Result};

/// How long Kubernetes may take to remove a pod from a service.
const LAME_DUCK: Duration = Duration::from_secs(5);

/// How long requests in flight may take when a pod stops.
const DRAIN: Duration = Duration::from_secs(30);

/// The manifests, one after another. There is an autoscaler if the app may have more pods than `--replicas`.
///
/// # Errors
///
/// When the options contradict each other.
pub(crate) fn manifests(app: &Declaration, options: &KubernetesOptions) -> Result<String> {
    let (name, replicas) = (options.name(app.settings.name()), options.replicas);
    let mut text = deployment(app, options, &name);
    text.push_str(&service(&name));
    text.push_str(&disruption_budget(&name));
    match options.max_replicas {
        Some(max) if max < replicas => {
            let error = format!(
                "`--max-replicas {max}` is less than `--replicas {replicas}`, with which it begins: raise it"
            );
            return Err(Error::msg(error));
        }
        Some(max) => text.push_str(&autoscaler(&name, replicas, max)),
        None => {}
    }
    Ok(text)
}

/// A text as YAML takes it literally.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Lines of a list or a mapping, each with this indentation.
fn indented(spaces: usize, lines: &[String]) -> String {
    lines.iter().fold(String::new(), |mut text, line| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{:spaces$}{line}", "");
        text
    })
}

fn deployment(app: &Declaration, options: &KubernetesOptions, name: &str) -> String {
    let times = Times::new(&app.settings, LAME_DUCK, DRAIN);
    let form = if options.bare { Form::Bare } else { Form::Host };
    let (surge, unavailable, why) = if options.exclusive {
        (0, 1, "An old pod ends before its successor starts, because of its device.")
    } else {
        (1, 0, "The successor of a pod is ready before the old pod ends.")
    };
    // A number here would undo what the autoscaler has done, each time the manifest is applied.
    let replicas = match options.max_replicas {
        Some(_) => "# The number of pods is the autoscaler's.".to_owned(),
        None => format!("# How many pods there are.\n  replicas: {}", options.replicas),
    };
    let image = quoted(options.image.as_deref().unwrap_or_default());
    let (stop, explained) = (times.stop(), times.explained_stop());
    let (rollout, explained_rollout) = (times.rollout(), times.explained_rollout());
    let command = if options.bare { "serve" } else { "run" };
    let arguments = indented(12, &arguments(app, options, times));
    let environment = environment(options);
    // Kubernetes starts the successor while the old pod still ends, unless it can count the devices.
    let device = if options.exclusive {
        let lines = [
            "# Name the device. A successor waits until an old pod has ended only if both ask for it here.",
            "# limits: { nvidia.com/gpu: 1 }",
        ];
        indented(12, &lines.map(ToOwned::to_owned))
    } else {
        String::new()
    };
    let probes = [
        probe("startupProbe", &probes::startup(times)),
        probe("readinessProbe", &probes::readiness(form)),
        match probes::liveness(app, form) {
            Liveness::Host(liveness) | Liveness::Check(liveness) => probe("livenessProbe", &liveness),
            Liveness::None(reason) => indented(10, &[format!("# No livenessProbe: {reason}.")]),
        },
    ]
    .concat();
    format!(
        "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  labels: {{ app.kubernetes.io/name: {name} }}
spec:
  {replicas}
  # How long a rollout may make no progress: {explained_rollout}
  progressDeadlineSeconds: {rollout}
  selector:
    matchLabels: {{ app.kubernetes.io/name: {name} }}
  strategy:
    type: RollingUpdate
    # {why}
    rollingUpdate: {{ maxSurge: {surge}, maxUnavailable: {unavailable} }}
  template:
    metadata:
      labels: {{ app.kubernetes.io/name: {name} }}
    spec:
      # {explained}
      terminationGracePeriodSeconds: {stop}
      # The variables of other services are no settings of this one.
      enableServiceLinks: false
      automountServiceAccountToken: false
      # Any user but root will do. 65532 is `nonroot` of the distroless images.
      securityContext:
        runAsNonRoot: true
        runAsUser: 65532
        runAsGroup: 65532
        fsGroup: 65532
        seccompProfile: {{ type: RuntimeDefault }}
      containers:
        - name: app
          image: {image}
          # Add further options of `{command}` here. After a change of --lame-duck or --drain-timeout, change
          # terminationGracePeriodSeconds, too.
          args:
{arguments}{environment}          # Any ports will do, if they are those of --listen and --probes.
          ports:
            - {{ name: http, containerPort: 8080 }}
            - {{ name: probes, containerPort: 9091 }}
{probes}          # Examples. Write what the app needs: a CPU for each busy runner, and the memory of all runners together.
          resources:
{device}            requests: {{ cpu: \"1\", memory: 1Gi }}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: {{ drop: [ALL] }}
          # The only directory that the app may write to.
          volumeMounts:
            - {{ name: tmp, mountPath: /tmp }}
      volumes:
        - name: tmp
          emptyDir: {{}}
"
    )
}

/// A probe of the container.
fn probe(name: &str, probe: &PodProbe) -> String {
    let PodProbe { path, initial_delay, period, timeout, threshold, reasons } = probe;
    let mut lines: Vec<_> = reasons.iter().map(|reason| format!("# {reason}")).collect();
    lines.push(format!("{name}:"));
    lines.push(format!("  httpGet: {{ path: {}, port: probes }}", quoted(path)));
    if *initial_delay > 0 {
        lines.push(format!("  initialDelaySeconds: {initial_delay}"));
    }
    lines.push(format!("  periodSeconds: {period}"));
    lines.push(format!("  timeoutSeconds: {timeout}"));
    lines.push(format!("  failureThreshold: {threshold}"));
    indented(10, &lines)
}

/// The arguments of the program, an item of the list each, with their reasons.
fn arguments(app: &Declaration, options: &KubernetesOptions, times: Times) -> Vec<String> {
    let Times { lame_duck, drain, .. } = times;
    let mut lines = vec![
        format!("- {}", if options.bare { "serve" } else { "run" }),
        "# Every IPv4 address of the pod. For IPv6, or both, write [::].".to_owned(),
        "- --listen=0.0.0.0:8080".to_owned(),
        "- --probes=0.0.0.0:9091".to_owned(),
        "# How long Services may still send new connections to a pod that ends.".to_owned(),
        format!("- --lame-duck={lame_duck}s"),
        "# How long requests in flight may take when the pod ends: as long as the longest request of the app.".to_owned(),
        format!("- --drain-timeout={drain}s"),
    ];
    if options.bare {
        if app.health_check().is_some() {
            lines.push("# A response may ask for a check. A pod that fails it ends.".to_owned());
            lines.push("- --on-manual-failure=exit".to_owned());
        }
        return lines;
    }
    lines.push("# Runners in this pod.".to_owned());
    lines.push(format!("- --runners={}", options.runners));
    if options.exclusive {
        lines.push("# A runner ends before its successor starts, because of its device.".to_owned());
        lines.push("- --replace=stop-first".to_owned());
    }
    lines
}

/// The variables of the container.
fn environment(options: &KubernetesOptions) -> String {
    let mut lines = Vec::new();
    if !options.bare {
        lines.push("  # Where the sockets of the runners are.".to_owned());
        lines.push("  - { name: XDG_RUNTIME_DIR, value: /tmp }".to_owned());
    }
    if let Some(app) = &options.app.name {
        lines.push(format!("  - {{ name: FAL_APP, value: {} }}", quoted(app)));
    }
    if !lines.is_empty() {
        lines.insert(0, "env:".to_owned());
    }
    indented(10, &lines)
}

fn service(name: &str) -> String {
    format!(
        "\
---
apiVersion: v1
kind: Service
metadata:
  name: {name}
  labels: {{ app.kubernetes.io/name: {name} }}
spec:
  selector: {{ app.kubernetes.io/name: {name} }}
  ports:
    # Other pods call http://{name}, without a port.
    - {{ name: http, port: 80, targetPort: http }}
"
    )
}

fn disruption_budget(name: &str) -> String {
    format!(
        "\
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {name}
spec:
  selector:
    matchLabels: {{ app.kubernetes.io/name: {name} }}
  # One pod at a time leaves a node that is drained. A pod that is not ready may always leave.
  maxUnavailable: 1
  unhealthyPodEvictionPolicy: AlwaysAllow
"
    )
}

fn autoscaler(name: &str, min: NonZeroU16, max: NonZeroU16) -> String {
    format!(
        "\
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {name}
spec:
  scaleTargetRef: {{ apiVersion: apps/v1, kind: Deployment, name: {name} }}
  # From --replicas to --max-replicas.
  minReplicas: {min}
  maxReplicas: {max}
  metrics:
    # More pods above 70 % of the requested CPU. An app that waits for a GPU scales better by its requests.
    - type: Resource
      resource:
        name: cpu
        target: {{ type: Utilization, averageUtilization: 70 }}
"
    )
}
