//! The numbers of the printed units and manifests.

#[cfg(feature = "yaml")]
mod check;

use std::path::Path;

use clap::{CommandFactory, FromArgMatches, Parser};

use super::{KubernetesOptions, SystemdOptions, hidden_from_a_unit, manifests, units};
use crate::prelude::*;

#[derive(Default)]
struct Slow;

#[crate::app(name = "Slow_App", startup_timeout = 100, termination_grace_period = 7)]
impl Slow {
    #[endpoint("/alive", health_check = HealthCheck(start_period_seconds = 20, timeout_seconds = 4, failure_threshold = 2))]
    async fn alive(&self) {}
}

#[derive(Default)]
struct OnRequest;

#[crate::app(name = "on-request")]
impl OnRequest {
    #[endpoint("/health", health_check = HealthCheck(call_regularly = false))]
    async fn health(&self) {}
}

#[derive(Debug, Parser)]
struct Kubernetes {
    #[command(flatten)]
    options: KubernetesOptions,
}

#[derive(Parser)]
struct Systemd {
    #[command(flatten)]
    options: SystemdOptions,
}

fn kubernetes<A: App>(arguments: &[&str]) -> String {
    let words = ["app", "--image=registry.example/app:1"].into_iter().chain(arguments.iter().copied());
    manifests(A::declaration(), &Kubernetes::parse_from(words).options).unwrap()
}

fn systemd(arguments: &[&str]) -> String {
    let matches = Systemd::command().get_matches_from(["app"].iter().chain(arguments));
    let options = Systemd::from_arg_matches(&matches).unwrap().options;
    let own: Vec<_> = arguments.iter().map(Into::into).collect();
    units(Slow::declaration(), &options, Path::new("/opt/my app/app"), &own).unwrap()
}

fn assert_has(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.contains(line), "no {line:?} in:\n{text}");
    }
}

#[test]
fn the_times_of_a_pod_are_computed_from_the_declaration() {
    let text = kubernetes::<Slow>(&[]);
    assert_has(
        &text,
        &[
            "name: slow-app\n",
            "# lame duck 5 s + drain timeout 30 s + grace period 7 s + 5 s\n      terminationGracePeriodSeconds: 47\n",
            "# startup_timeout of the app 100 s, and a tenth more: 55 probes of 2 s.",
            "failureThreshold: 55\n",
            "httpGet: { path: \"/healthz\", port: probes }\n            periodSeconds: 10",
            "maxSurge: 1, maxUnavailable: 0",
            "- --drain-timeout=30s\n",
            "- --runners=1\n",
        ],
    );
    assert!(!text.contains("/alive") && !text.contains("HorizontalPodAutoscaler"), "{text}");
}

#[test]
fn the_health_check_of_a_bare_runner_is_a_liveness_probe_with_its_own_parameters() {
    let text = kubernetes::<Slow>(&["--bare"]);
    assert_has(
        &text,
        &[
            "- serve\n",
            "- --on-manual-failure=exit\n",
            "httpGet: { path: \"/alive\", port: probes }\n            initialDelaySeconds: 100\n            \
             periodSeconds: 15\n            timeoutSeconds: 4\n            failureThreshold: 2\n",
        ],
    );
    for of_a_host in ["--runners", "XDG_RUNTIME_DIR", "queue", "env:", "`run`"] {
        assert!(!text.contains(of_a_host), "{of_a_host}: {text}");
    }
}

#[test]
fn a_comment_has_the_indentation_of_what_it_explains() {
    for form in [&["--max-replicas=5"][..], &["--bare"], &["--exclusive"]] {
        let text = kubernetes::<Slow>(form);
        let lines: Vec<_> = text.lines().collect();
        let spaces = |line: &str| line.len() - line.trim_start().len();
        for pair in lines.windows(2) {
            let is_comment = |line: &str| line.trim_start().starts_with('#');
            assert!(!is_comment(pair[0]) || spaces(pair[0]) == spaces(pair[1]), "{pair:#?}");
        }
    }
}

#[test]
fn an_app_that_is_checked_on_request_has_no_liveness_probe() {
    let text = kubernetes::<OnRequest>(&["--bare", "--max-replicas=5"]);
    assert!(!text.contains("\n          livenessProbe:"), "{text}");
    assert_has(&text, &["failureThreshold: 330\n", "maxReplicas: 5\n", "--on-manual-failure=exit"]);
    assert!(!text.contains("\n  replicas:"), "it would undo what the autoscaler has done: {text}");
}

#[test]
fn an_exclusive_device_is_given_up_before_the_successor_starts_s35b() {
    let text = kubernetes::<Slow>(&["--exclusive", "--runners=2", "--name=9 Lives!"]);
    let expected = [
        "name: app-9-lives\n",
        "maxSurge: 0, maxUnavailable: 1",
        "- --replace=stop-first\n",
        "- --runners=2\n",
        "# limits: { nvidia.com/gpu: 1 }\n",
    ];
    assert_has(&text, &expected);
}

#[test]
fn a_machine_can_run_an_app_twice_under_two_names() {
    for name in [&["--name=second%i app"][..], &["--name", "second%i app"]] {
        let text = systemd(&[name, &["--listen=127.0.0.1:81"]].concat());
        assert_has(
            &text,
            &[
                "Install as /etc/systemd/system/second-i-app.service",
                "app\" run --listen=127.0.0.1:81\n",
                "StateDirectory=second-i-app\n",
                "XDG_RUNTIME_DIR=/run/second-i-app\n",
            ],
        );
    }
    let text = systemd(&["--name=second", "--socket"]);
    assert_has(&text, &["next to second.service"]);
}

#[test]
fn a_rollout_may_take_as_long_as_a_start_the_image_and_a_stop() {
    assert_has(
        &kubernetes::<OnRequest>(&[]),
        &[
            "# How long a rollout may make no progress: a start 660 s + an image 300 s + the stop of an old pod 45 s\n  progressDeadlineSeconds: 1005\n",
        ],
    );
}

#[test]
fn fewer_pods_at_most_than_at_least_are_an_error() {
    let options = Kubernetes::parse_from(["app", "--image=a", "--replicas=5", "--max-replicas=2"]).options;
    let error = manifests(Slow::declaration(), &options).unwrap_err().to_string();
    assert!(error.contains("`--max-replicas 2`") && error.contains("`--replicas 5`"), "{error}");
}

#[test]
fn a_program_that_a_unit_cannot_see_is_warned_of() {
    let warning = hidden_from_a_unit(Path::new("/home/me/target/release/app")).unwrap();
    assert!(
        warning.contains("/home/me/target/release/app") && warning.contains("/usr/local/bin"),
        "{warning}"
    );
    assert_eq!(hidden_from_a_unit(Path::new("/usr/local/bin/app")), None);
    assert_eq!(hidden_from_a_unit(Path::new("/homes/app")), None);
}

#[test]
fn the_times_of_a_unit_are_computed_from_the_declaration_and_the_options() {
    let text = systemd(&["--lame-duck=2s", "--drain-timeout=8500ms", "--env-each=A=50% $x"]);
    assert_has(
        &text,
        &[
            "ExecStart=\"/opt/my app/app\" run --lame-duck=2s --drain-timeout=8500ms \"--env-each=A=50%% $$x\"\n",
            "TimeoutStartSec=110\n",
            "# lame duck 2 s + drain timeout 9 s + grace period 7 s + 5 s\nTimeoutStopSec=23\n",
            "Type=notify\nExecReload=/bin/kill -HUP $MAINPID\n",
        ],
    );
    assert_has(&text, &["NoNewPrivileges=yes\nCapabilityBoundingSet=\n"]);
    let text = systemd(&["--listen=0.0.0.0:80"]);
    assert_has(
        &text,
        &["AmbientCapabilities=CAP_NET_BIND_SERVICE\nCapabilityBoundingSet=CAP_NET_BIND_SERVICE\n"],
    );
    assert_has(&systemd(&["--control-socket-group=995"]), &["SupplementaryGroups=995\n"]);
    let text = systemd(&["--socket", "--listen=0.0.0.0:80"]);
    assert_has(
        &text,
        &["ListenStream=0.0.0.0:80\nFileDescriptorName=requests\n", "#   systemctl stop Slow_App\n"],
    );
}
