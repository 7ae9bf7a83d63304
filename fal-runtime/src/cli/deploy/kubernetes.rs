//! The manifests of Kubernetes.

use std::fmt::Write;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use fal_health::{HealthCheckSpec, effective_start_period};

use super::times::Times;
use crate::app::Declaration;
use crate::cli::app_option::AppOption;

/// How long Kubernetes may take to remove a pod from a service.
const LAME_DUCK: Duration = Duration::from_secs(5);

/// How long requests in flight may take when a pod stops.
const DRAIN: Duration = Duration::from_secs(30);

/// The time between two probes of a start, in seconds.
const STARTUP_PERIOD: u64 = 2;

/// The time between two checks of a bare runner, in seconds, as a host has it (S12a).
const CHECK_PERIOD: u64 = 15;

#[derive(Debug, Args)]
pub(crate) struct KubernetesOptions {
    #[command(flatten)]
    pub(crate) app: AppOption,

    /// The container image, whose entry point is this program
    #[arg(long, value_name = "IMAGE")]
    pub(crate) image: String,

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

    /// Compare the manifests with this file instead of printing them
    ///
    /// Exits with 1 if they differ.
    #[arg(long, value_name = "FILE")]
    pub(crate) check: Option<PathBuf>,
}

/// The manifests, one after another. There is an autoscaler if the app may have more pods than `--replicas`.
pub(crate) fn manifests(app: &Declaration, options: &KubernetesOptions) -> String {
    let name = label(options.object_name.as_deref().unwrap_or(app.settings.name()));
    let mut text = deployment(app, options, &name);
    text.push_str(&service(&name));
    text.push_str(&disruption_budget(&name));
    if let Some(max) = options.max_replicas {
        text.push_str(&autoscaler(&name, options.replicas, max.max(options.replicas)));
    }
    text
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

/// A text as YAML takes it literally.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn deployment(app: &Declaration, options: &KubernetesOptions, name: &str) -> String {
    let times = Times::new(&app.settings, LAME_DUCK, DRAIN);
    let (surge, unavailable, why) = if options.exclusive {
        (0, 1, "The old pod ends before its successor starts, because of its device.")
    } else {
        (1, 0, "The successor of a pod is ready before the old pod ends.")
    };
    let arguments = arguments(app, options, times);
    let (replicas, image) = (options.replicas, quoted(&options.image));
    let (stop, explained) = (times.stop(), times.explained_stop());
    let (startup_timeout, startup) = (times.startup, (times.startup * 11).div_ceil(10 * STARTUP_PERIOD));
    let liveness = if options.bare { bare_liveness(app) } else { HOST_LIVENESS.to_owned() };
    let selected = app_variable(options);
    format!(
        "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  labels: {{ app.kubernetes.io/name: {name} }}
spec:
  replicas: {replicas}
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
      securityContext:
        runAsNonRoot: true
        runAsUser: 65532
        runAsGroup: 65532
        fsGroup: 65532
        seccompProfile: {{ type: RuntimeDefault }}
      containers:
        - name: app
          image: {image}
          args:
{arguments}          env:
            # Where the sockets of the runners are.
            - {{ name: XDG_RUNTIME_DIR, value: /tmp }}
{selected}          ports:
            - {{ name: http, containerPort: 8080 }}
            - {{ name: probes, containerPort: 9091 }}
          # startup_timeout of the app {startup_timeout} s, and a tenth more: {startup} probes of {STARTUP_PERIOD} s.
          startupProbe:
            httpGet: {{ path: /readyz, port: probes }}
            periodSeconds: {STARTUP_PERIOD}
            timeoutSeconds: 2
            failureThreshold: {startup}
          # 3 failures are 6 s: meanwhile the queue of the host bridges the replacement of a runner.
          readinessProbe:
            httpGet: {{ path: /readyz, port: probes }}
            periodSeconds: 2
            timeoutSeconds: 2
            failureThreshold: 3
{liveness}          # Write what the app needs.
          resources:
            requests: {{ cpu: \"1\", memory: 1Gi }}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: {{ drop: [ALL] }}
          volumeMounts:
            - {{ name: tmp, mountPath: /tmp }}
      volumes:
        - name: tmp
          emptyDir: {{}}
"
    )
}

/// The liveness probe of a host.
const HOST_LIVENESS: &str = "\
          # The host itself. Never the app's health: the host replaces its runners, and they would all restart together.
          livenessProbe:
            httpGet: { path: /healthz, port: probes }
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 3
";

/// The arguments of the program, a line each.
fn arguments(app: &Declaration, options: &KubernetesOptions, times: Times) -> String {
    let Times { lame_duck, drain, .. } = times;
    let mut words = vec![if options.bare { "serve" } else { "run" }.to_owned()];
    words.extend(["--listen=0.0.0.0:8080".to_owned(), "--probes=0.0.0.0:9091".to_owned()]);
    words.extend([format!("--lame-duck={lame_duck}s"), format!("--drain-timeout={drain}s")]);
    if options.bare {
        if app.health_check().is_some() {
            words.push("--on-manual-failure=exit".to_owned());
        }
    } else {
        words.push(format!("--runners={}", options.runners));
        if options.exclusive {
            words.push("--replace=stop-first".to_owned());
        }
    }
    words.iter().fold(String::new(), |mut lines, word| {
        // Writing to a string does not fail.
        let _ = writeln!(lines, "            - {word}");
        lines
    })
}

fn app_variable(options: &KubernetesOptions) -> String {
    options.app.name.as_deref().map_or_else(String::new, |app| {
        format!("            - {{ name: FAL_APP, value: {} }}\n", quoted(app))
    })
}

/// The liveness probe of a runner without a host: the health check with its own parameters.
fn bare_liveness(app: &Declaration) -> String {
    let Some(HealthCheckSpec { path, config, .. }) = app.health_check() else {
        return "          # No livenessProbe: the app declares no health check.\n".to_owned();
    };
    if !config.is_periodic() {
        return "          # No livenessProbe: the app is checked only on request, by `--on-manual-failure`.\n"
            .to_owned();
    }
    let start = effective_start_period(&config, app.settings.startup_timeout()).as_secs();
    let (path, timeout, threshold) = (quoted(&path), config.timeout().as_secs(), config.threshold());
    format!(
        "\
          # The app's health check: start_period_seconds, timeout_seconds and failure_threshold are its own. Kubernetes does
          # not limit how many pods restart together.
          livenessProbe:
            httpGet: {{ path: {path}, port: probes }}
            initialDelaySeconds: {start}
            periodSeconds: {CHECK_PERIOD}
            timeoutSeconds: {timeout}
            failureThreshold: {threshold}
"
    )
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
  minReplicas: {min}
  maxReplicas: {max}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target: {{ type: Utilization, averageUtilization: 70 }}
"
    )
}
