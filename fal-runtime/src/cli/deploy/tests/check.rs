//! What `kubernetes --check` finds in a file of manifests.

use super::super::check;
use super::*;

/// What is wrong with this file, or nothing.
fn checked<A: App>(text: &str, arguments: &[&str]) -> Option<String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, text).unwrap();
    let check_option = format!("--check={}", file.path().display());
    let words = ["app", check_option.as_str()].into_iter().chain(arguments.iter().copied());
    let options = Kubernetes::parse_from(words).options;
    check(A::declaration(), &options, file.path()).err().map(|error| error.to_string())
}

/// The printed manifests with these changes.
fn changed<A: App>(arguments: &[&str], changes: &[(&str, &str)]) -> String {
    let mut text = kubernetes::<A>(arguments);
    for (before, after) in changes {
        assert!(text.contains(before), "no {before:?} in:\n{text}");
        text = text.replace(before, after);
    }
    text
}

#[test]
fn what_was_printed_fits_in_every_form() {
    let forms: [&[&str]; 4] = [&[], &["--bare"], &["--exclusive", "--runners=3"], &["--max-replicas=9"]];
    for form in forms {
        assert_eq!(checked::<Slow>(&kubernetes::<Slow>(form), &[]), None, "{form:?}");
        assert_eq!(checked::<OnRequest>(&kubernetes::<OnRequest>(form), &[]), None, "{form:?}");
    }
}

#[test]
fn what_is_the_operators_is_not_compared() {
    let text = changed::<Slow>(
        &["--name=other"],
        &[
            ("registry.example/app:1", "registry.example/app:2"),
            ("replicas: 2", "replicas: 7"),
            ("cpu: \"1\", memory: 1Gi", "cpu: \"4\", memory: 9Gi"),
            ("- --runners=1\n", "- --runners=2\n            - --queue=64\n"),
            ("terminationGracePeriodSeconds: 47", "terminationGracePeriodSeconds: 3600"),
            ("failureThreshold: 55", "failureThreshold: 100"),
            ("kind: Service\n", "kind: Service\n# Mine.\n"),
            (
                "{ app.kubernetes.io/name: other }",
                "{ app.kubernetes.io/name: other, app.kubernetes.io/part-of: \"9\" }",
            ),
        ],
    );
    assert_eq!(checked::<Slow>(&text, &[]), None, "{text}");
    assert_eq!(checked::<Slow>(&text, &["--name=other"]), None, "{text}");
}

#[test]
fn a_pod_needs_the_time_that_its_arguments_and_variables_give_a_stop() {
    let text = changed::<Slow>(&[], &[("--drain-timeout=30s", "--drain-timeout=90s")]);
    let expected = "spec.template.spec.terminationGracePeriodSeconds\n    has 47, wants at least 107: lame duck 5 s + drain \
                    timeout 90 s + grace period 7 s + 5 s";
    assert!(checked::<Slow>(&text, &[]).unwrap().ends_with(expected));
    let text = changed::<Slow>(
        &[],
        &[("terminationGracePeriodSeconds: 47", "terminationGracePeriodSeconds: \"47\"")],
    );
    let error = checked::<Slow>(&text, &[]).unwrap();
    assert!(error.contains("has the text \"47\", wants at least 47"), "{error}");
    let text = changed::<Slow>(
        &[],
        &[
            ("            - --drain-timeout=30s\n", ""),
            ("env:\n", "env:\n            - { name: FAL_DRAIN_TIMEOUT, value: 31s }\n"),
        ],
    );
    let error = checked::<Slow>(&text, &[]).unwrap();
    assert!(error.contains("drain timeout 31 s"), "{error}");
    let text = changed::<Slow>(
        &["--bare"],
        &[("- --drain-timeout=30s\n", "- --drain-timeout=30s\n            - --grace=9s\n")],
    );
    let error = checked::<Slow>(&text, &[]).unwrap();
    assert!(error.contains("grace period 9 s") && error.matches("has").count() == 1, "{error}");
}

#[test]
fn a_declaration_that_has_changed_does_not_fit_any_more() {
    let error = checked::<OnRequest>(&kubernetes::<Slow>(&[]), &["--name=slow-app"]).unwrap();
    // Its startup timeout is 600 s, its grace period 5 s.
    assert!(error.contains("containers[0].startupProbe.failureThreshold\n    has 55 times 2 s, in all 110 s, wants at least 660 s"));
    assert!(!error.contains("terminationGracePeriodSeconds"), "a pod may have more time: {error}");
    let text = changed::<Slow>(
        &["--bare"],
        &[("timeoutSeconds: 4", "timeoutSeconds: 3"), ("path: \"/alive\"", "path: /ready")],
    );
    let error = checked::<Slow>(&text, &[]).unwrap();
    assert!(error.contains("livenessProbe.timeoutSeconds\n    has 3, wants 4"), "{error}");
    assert!(error.contains("livenessProbe.httpGet.path\n    has /ready, wants /alive"), "{error}");
}

#[test]
fn a_rollout_that_fails_before_a_pod_may_have_started_does_not_fit() {
    let text =
        changed::<OnRequest>(&[], &[("progressDeadlineSeconds: 1005", "progressDeadlineSeconds: 660")]);
    let error = checked::<OnRequest>(&text, &[]).unwrap();
    assert!(error.contains("spec.progressDeadlineSeconds\n    has 660, wants more than 660"), "{error}");
    let text = changed::<OnRequest>(&[], &[("  progressDeadlineSeconds: 1005\n", "")]);
    let error = checked::<OnRequest>(&text, &[]).unwrap();
    assert!(error.contains("has 600, the default, wants more than 660"), "{error}");
    let text = changed::<Slow>(&[], &[("  progressDeadlineSeconds: 457\n", "")]);
    assert_eq!(checked::<Slow>(&text, &[]), None);
}

#[test]
fn a_container_answers_where_services_and_probes_ask() {
    let wrong = |form: &[&str], changes: &[(&str, &str)]| {
        checked::<Slow>(&changed::<Slow>(form, changes), &[]).unwrap_or_default()
    };
    let listen = "            - --listen=0.0.0.0:8080\n";
    let error = wrong(&[], &[(listen, "")]);
    assert!(
        error.contains(
            "containers[0].args\n    has the address 127.0.0.1:8080, which only the container reaches"
        ),
        "{error}"
    );
    assert!(
        wrong(&["--bare"], &[(listen, "            - --listen=unix:/tmp/a\n")]).contains("has a Unix socket")
    );
    let error = wrong(&[], &[("--probes=0.0.0.0:9091", "--probes=0.0.0.0:9092")]);
    for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
        let expected =
            format!("{probe}.httpGet.port\n    has probes (9091), wants 9092, where `--probes` answers");
        assert!(error.contains(&expected), "{error}");
    }
    let error = wrong(&[], &[("            - --probes=0.0.0.0:9091\n", "")]);
    assert!(error.contains("wants `--probes=0.0.0.0:9091` among the arguments"), "{error}");
    let error = wrong(&[], &[("--probes=0.0.0.0:9091", "--probes=127.0.0.1:9091")]);
    assert!(error.contains("wants `--probes=0.0.0.0:9091` among the arguments"), "{error}");
    let error = wrong(&[], &[("name: probes, containerPort", "name: other, containerPort")]);
    assert!(error.contains("has probes, wants the name of one of its `ports`"), "{error}");
    // The admin interface answers them, too, and the health check of a bare runner is an endpoint.
    let admin = [
        ("- --probes=0.0.0.0:9091", "- --admin=0.0.0.0:9090"),
        ("name: probes, containerPort: 9091", "name: probes, containerPort: 9090"),
    ];
    assert_eq!(wrong(&[], &admin), "");
    let pages = [("\"/readyz\", port: probes", "\"/readyz\", port: 8080")];
    assert!(wrong(&["--bare"], &pages).contains("has 8080, wants 9091"));
    let endpoint = [("\"/alive\", port: probes", "\"/alive\", port: 8080")];
    assert_eq!(wrong(&["--bare"], &endpoint), "");
}

#[test]
fn a_deployment_in_a_list_is_found() {
    let manifests = kubernetes::<Slow>(&[]);
    let deployment = manifests.split("---\n").next().unwrap().replace('\n', "\n    ");
    let list = |deployment: &str| format!("apiVersion: v1\nkind: List\nitems:\n  - {deployment}");
    assert_eq!(checked::<Slow>(&list(&deployment).replace("\n    \n", "\n"), &[]), None);
    let wrong =
        list(&deployment.replace("terminationGracePeriodSeconds: 47", "terminationGracePeriodSeconds: 1"));
    let error = checked::<Slow>(&wrong, &[]).unwrap();
    assert!(error.contains("items[0].spec.template.spec.terminationGracePeriodSeconds"), "{error}");
}

#[test]
fn the_health_check_is_not_the_liveness_probe_of_a_host() {
    let text = changed::<Slow>(&[], &[("path: \"/healthz\"", "path: /alive")]);
    let error = checked::<Slow>(&text, &[]).unwrap();
    assert!(error.contains("has /alive, wants /healthz"), "{error}");
    let text = changed::<Slow>(&[], &[("livenessProbe:", "other:")]);
    assert!(checked::<Slow>(&text, &[]).unwrap().contains("has nothing, wants /healthz"));
    let text = changed::<OnRequest>(
        &["--bare"],
        &[("readinessProbe:", "livenessProbe: { httpGet: { path: /health } }\n          readinessProbe:")],
    );
    let error = checked::<OnRequest>(&text, &[]).unwrap();
    assert!(error.contains("has /health, wants no probe"), "{error}");
}

#[test]
fn arguments_must_be_those_of_this_program() {
    let text = changed::<Slow>(&[], &[("- --runners=1", "- --runner=1")]);
    let error = checked::<Slow>(&text, &[]).unwrap();
    assert!(
        error
            .contains("containers[0].args\n    has arguments that this program refuses (unexpected argument"),
        "{error}"
    );
    let text = changed::<Slow>(&[], &[("- run\n", "- list\n")]);
    assert!(checked::<Slow>(&text, &[]).is_some());
    let text = changed::<Slow>(
        &[],
        &[("args:\n", "command: [/my-app, run]\n          args:\n"), ("- run\n", "- --queue=9\n")],
    );
    assert_eq!(checked::<Slow>(&text, &[]), None);
}

#[test]
fn a_file_in_which_there_is_no_deployment_of_the_app_is_an_error_that_says_what_to_do() {
    for (text, expected) in [
        ("kind: Service\n", "there is no Deployment in it; of Helm or Kustomize, check what they render"),
        ("kind: [\n", "at byte"),
        ("{{- if .Values.on }}\n", "render the templates before"),
        (
            "kind: Deployment\nmetadata: { name: a }\n---\nkind: Deployment\nmetadata: { name: b }\n",
            "no Deployment is called `slow-app`: name it with `--name`",
        ),
        (
            "kind: Deployment\nspec: { template: { spec: { containers: [{ name: a }, { name: b }] } } }\n",
            "call the container of the app `app`",
        ),
    ] {
        let error = checked::<Slow>(text, &[]).unwrap();
        assert!(error.contains("cannot check ") && error.contains(expected), "{error}");
    }
}

#[test]
fn the_file_says_what_was_printed_so_other_options_are_refused_with_it() {
    for option in ["--image=x", "--bare", "--replicas=2"] {
        let error = Kubernetes::try_parse_from(["app", "--check=file", option]).unwrap_err().to_string();
        assert!(error.contains("cannot be used with"), "{error}");
    }
    assert!(Kubernetes::try_parse_from(["app"]).unwrap_err().to_string().contains("--image <IMAGE>"));
}
