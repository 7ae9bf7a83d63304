//! What the subcommands `systemd` and `kubernetes` print, held against systemd's and Kubernetes' own rules.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails, and says why")]

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

/// What the fixture prints with these arguments.
fn printed(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_fixture")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a tool, which must accept its input, and returns what it says.
fn accepts(tool: &mut Command) -> String {
    let output = tool.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(output.status.success(), "{tool:?}: {text}");
    text
}

/// The newest versions that the tool knows.
const VERSIONS: [&str; 3] = ["1.35.0", "1.36.0", "1.37.0"];

#[test]
#[ignore = "needs kubernetes-validate from PyPI"]
fn kubernetes_accepts_every_manifest_strictly() {
    let directory = tempfile::tempdir().unwrap();
    let image = "--image=registry.example/app:1";
    let forms: [&[&str]; 4] = [
        &["--app=scripted"],
        &["--app=timed", "--bare"],
        &["--app=bare", "--bare", "--replicas=3"],
        &["--app=blocking", "--max-replicas=9", "--runners=2", "--exclusive", "--name=9 Lives!"],
    ];
    for (index, form) in forms.into_iter().enumerate() {
        let file = directory.path().join(format!("{index}.yaml"));
        fs::write(&file, printed(&[&["kubernetes", image], form].concat())).unwrap();
        for version in VERSIONS {
            accepts(Command::new("kubernetes-validate").args(["--strict", "-k", version]).arg(&file));
        }
        // The app is the first option. Everything else is in the file.
        let check = format!("--check={}", file.display());
        printed(&["kubernetes", form[0], &check]);
    }
}

#[test]
#[ignore = "builds a crate with the types of Kubernetes' API"]
fn the_types_of_kubernetes_know_every_field_of_every_manifest() {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("kubernetes");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--locked", "--manifest-path"]).env("CARGO_TARGET_DIR", &target);
    accepts(cargo.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("kubernetes/Cargo.toml")));
    let directory = tempfile::tempdir().unwrap();
    for (form, kinds) in [
        (&["--app=scripted"][..], "Deployment, Service, PodDisruptionBudget"),
        (&["--app=timed", "--bare"], "Deployment, Service, PodDisruptionBudget"),
        (
            &["--app=blocking", "--max-replicas=9", "--runners=2", "--exclusive"],
            "Deployment, Service, PodDisruptionBudget, HorizontalPodAutoscaler",
        ),
    ] {
        let file = directory.path().join("manifests.yaml");
        fs::write(&file, printed(&[&["kubernetes", "--image=registry.example/app:1"], form].concat()))
            .unwrap();
        let mut reader = Command::new(target.join("debug/kubernetes-types"));
        assert_eq!(accepts(reader.stdin(File::open(&file).unwrap())).trim(), kinds);
    }
}

/// The blocks of YAML in the guide, as one file.
fn custom_resources() -> String {
    let guide = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/fleets.md")).unwrap();
    let blocks = guide.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.collect::<Vec<_>>().join("---\n")
}

#[test]
#[ignore = "needs cloudcoil-models-keda and cloudcoil-models-prometheus-operator from PyPI"]
fn the_types_of_their_operators_know_every_field_of_the_custom_resources_in_the_guide() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("resources.yaml");
    fs::write(&file, custom_resources()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/read_back.py");
    let mut reader = Command::new("python");
    let kinds = accepts(reader.arg(script).stdin(File::open(&file).unwrap()));
    assert_eq!(kinds.lines().collect::<Vec<_>>(), ["PodMonitor", "ServiceMonitor", "ScaledObject"]);
}

#[test]
fn the_metrics_that_the_guide_scales_by_exist_and_the_names_are_those_of_the_printed_manifests() {
    let metrics =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md")).unwrap();
    let resources = custom_resources();
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let words = resources.split(|letter| !is_part(letter));
    let names: Vec<_> = words.filter(|word| word.starts_with("fal_")).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    for name in names {
        assert!(metrics.contains(&format!("`{name}`")), "docs/metrics.md has no {name}");
    }
    let manifests =
        printed(&["kubernetes", "--app=timed", "--image=registry.example/app:1", "--name=my-app"]);
    for said in ["app.kubernetes.io/name: my-app", "name: my-app"] {
        assert!(resources.contains(said) && manifests.contains(said), "{said}");
    }
}

/// systemd's own measure of what a service could do to the machine, from 0 to 10. A service without hardening has 9.6.
const MAX_EXPOSURE: f32 = 2.5;

#[test]
#[ignore = "needs systemd-analyze"]
fn systemd_accepts_the_units_and_finds_little_exposure() {
    let directory = tempfile::tempdir().unwrap();
    let unit = |name: &str, arguments: &[&str]| {
        let file = directory.path().join(name);
        fs::write(&file, printed(&[&["systemd", "--app=timed"], arguments].concat())).unwrap();
        file
    };
    let service = unit("timed.service", &["--lame-duck=5s", "--env-each=DEVICE={index} 100%"]);
    let socket = unit("timed.socket", &["--socket", "--listen=127.0.0.1:8080"]);
    let text = accepts(Command::new("systemd-analyze").arg("verify").args([&service, &socket]));
    let complaints: Vec<_> = text.lines().filter(|line| line.contains("timed.")).collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
    let exposure = exposure(&service);
    assert!(exposure <= MAX_EXPOSURE, "{exposure}");
}

fn exposure(service: &Path) -> f32 {
    let text = accepts(Command::new("systemd-analyze").args(["security", "--offline=yes"]).arg(service));
    let overall = text.lines().find(|line| line.contains("Overall exposure level")).unwrap();
    let level = overall.split(':').nth(1).unwrap().split_whitespace().next().unwrap();
    level.parse().unwrap()
}
