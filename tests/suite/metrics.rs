//! Metrics: S82.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use fal_tests::Answer;
use serde_json::Value;

use crate::harness::*;

#[tokio::test]
async fn requests_are_counted_by_endpoint_method_and_status_s82a_s82b() {
    let director = Director::new();
    let host = Program::run(&director, &["--app", "scripted"]);
    let pending = host.call("a").await;
    let call = director.call("a").await;
    let received = r#"{endpoint="/call",method="POST"}"#;
    let metrics = host.metrics().await;
    assert_eq!(metrics.count(&format!("fal_app_requests_received_total{received}")), 1);
    assert_eq!(metrics.series("fal_app_requests_completed_total"), [""; 0]);
    assert_eq!(metrics.count("fal_app_concurrent_requests"), 1);
    assert_eq!(metrics.count("fal_app_permits"), 128);
    assert_eq!(metrics.count(r#"fal_app_runners{state="running"}"#), 1);
    call.succeed().await;
    assert_eq!(pending.response().await.status, 200);
    let completed = |status| {
        format!(r#"fal_app_requests_completed_total{{endpoint="/call",method="POST",status="{status}"}}"#)
    };
    host.counts(&completed("2xx"), 1).await;

    for path in ["/a", "/b", "/c"] {
        assert_eq!(host.exchange(&Request::new("PATCH", path)).await.status, 404);
    }
    host.counts(r#"fal_app_requests_completed_total{endpoint="other",method="PATCH",status="4xx"}"#, 3).await;
    let metrics = host.metrics().await;
    assert_eq!(metrics.series("fal_app_requests_received_total").len(), 2);
    for histogram in ["fal_app_request_latency_seconds", "fal_app_time_to_first_byte_seconds"] {
        assert_eq!(metrics.count(&format!(r#"{histogram}_count{{endpoint="/call"}}"#)), 1);
        assert!(metrics.get(&format!(r#"{histogram}_sum{{endpoint="/call"}}"#)) > 0.0);
    }
    assert_eq!(metrics.count("fal_app_queue_wait_seconds_count"), 4);
    assert!(metrics.count("fal_host_connections_accepted_total") >= 4);
}

#[tokio::test]
async fn a_client_that_leaves_is_counted_as_aborted_s82a() {
    let director = Director::new();
    let host = Program::run(&director, &["--app", "scripted"]);
    let pending = host.call("a").await;
    let call = director.call("a").await;
    pending.leave().await;
    host.counts(r#"fal_app_requests_completed_total{endpoint="/call",method="POST",status="aborted"}"#, 1)
        .await;
    call.abandoned().await;
    host.counts("fal_host_connections", 0).await;
}

#[tokio::test]
async fn requests_that_wait_and_requests_that_the_host_refuses_are_counted_s82a() {
    let director = Director::new();
    director.hold(Kind::Setup);
    let host = Program::run(&director, &["--app", "scripted", "--queue", "1"]);
    let waits = host.call("waits").await;
    host.counts("fal_app_queue_size", 1).await;
    assert_eq!(host.exchange(&Request::call("refused")).await.error_type(), "queue_full");
    host.counts(r#"fal_app_request_errors_total{error_type="queue_full"}"#, 1).await;
    host.counts(r#"fal_app_requests_completed_total{endpoint="/call",method="POST",status="5xx"}"#, 1).await;
    assert_eq!(host.metrics().await.count(r#"fal_app_runners{state="setup"}"#), 1);
    director.next(Kind::Setup).await.succeed().await;
    director.call("waits").await.succeed().await;
    assert_eq!(waits.response().await.status, 200);
    host.counts("fal_app_queue_wait_seconds_count", 2).await;
    assert_eq!(host.metrics().await.count("fal_app_queue_size"), 0);
    // A malformed head has no endpoint, but an error.
    let mut client = Client::tcp(host.address().await).await;
    client.write(b"GET / HTTP/1.1\r\nbroken\r\n\r\n").await;
    assert_eq!(client.response().await.error_type(), "bad_head");
    host.counts(r#"fal_app_request_errors_total{error_type="bad_head"}"#, 1).await;
}

#[tokio::test]
async fn starts_checks_and_ends_of_runners_are_counted_s82a() {
    let director = Director::new();
    let host = Program::run(&director, &["--app", "scripted"]);
    let passed = r#"fal_app_check_duration_seconds_count{outcome="pass",trigger="periodic"}"#;
    director.asked_times(2, 1, Kind::Check).await;
    assert!(host.metrics().await.count(passed) >= 1);
    host.counts(r#"fal_app_runner_verdicts{verdict="healthy"}"#, 1).await;
    director.answer_of(1, Kind::Check, Answer::fail());
    host.counts(r#"fal_app_runner_ends_total{reason="unhealthy"}"#, 1).await;
    host.counts("fal_app_startup_seconds_count", 2).await;
    let metrics = host.metrics().await;
    assert_eq!(metrics.count("fal_app_runner_starts_total"), 2);
    assert_eq!(metrics.count(r#"fal_app_check_failures_total{reason="status"}"#), 3);
    assert_eq!(
        metrics.count(r#"fal_app_check_duration_seconds_count{outcome="failure",trigger="periodic"}"#),
        3
    );
    assert_eq!(metrics.count("fal_app_replacement_seconds_count"), 1);
    assert!(metrics.count("fal_host_lag_seconds_count") >= 1);
}

#[tokio::test]
async fn what_runners_count_is_shown_by_replica_and_outlives_them_s82c() {
    let director = Director::new();
    let host = Program::run(&director, &["--app", "scripted"]);
    let (counted, requests) = (
        r#"fixture_calls_total{app="scripted",replica="0"}"#,
        r#"http_requests_total{method="POST",path="/call",replica="0",status_code="200"}"#,
    );
    for calls in 1..=2 {
        let pending = host.call("a").await;
        let call = director.call("a").await;
        host.counts(counted, calls).await;
        host.counts(r#"http_requests_in_progress{method="POST",replica="0"}"#, 1).await;
        call.succeed().await;
        pending.response().await;
        host.counts(requests, calls).await;
    }
    let metrics = host.metrics().await;
    let seconds = requests.replace("http_requests_total", "http_request_duration_seconds_sum");
    assert!(metrics.get(&seconds) > 0.0);
    let info = metrics.series("fal_app_info");
    assert!(
        matches!(info[..], [info] if info.contains("replica=\"0\"") && info.contains("version=")),
        "{info:?}"
    );

    // What it counted last is not lost, and its successor goes on from there.
    let pending = host.call("b").await;
    director.answer_of(1, Kind::ManualCheck, Answer::fail());
    director.call("b").await.answer(Answer::ok().asking()).await;
    pending.response().await;
    host.stderr.line("IDLE runner=2").await;
    host.counts(requests, 3).await;
    host.counts(counted, 3).await;
}

#[tokio::test]
async fn a_bare_runner_shows_what_it_counts_where_it_is_told_to_s82c() {
    let director = Director::new();
    let arguments = ["serve", "--app", "scripted", "--listen", "tcp:127.0.0.1:0", "--metrics", "127.0.0.1:0"];
    let runner = Program::start(fixture(&director).args(arguments));
    let line = runner.stdout.line("metrics are shown on http://").await;
    let address = line.split("http://").nth(1).unwrap().trim_end_matches("/metrics").parse().unwrap();
    let pending = runner.call("a").await;
    let call = director.call("a").await;
    // A thread of its own answers, so that it is served during the call.
    let shown = async || {
        let page = Client::tcp(address).await.exchange(&Request::get("/metrics")).await;
        Exposition::parse(str::from_utf8(&page.body).unwrap())
    };
    assert_eq!(shown().await.count(r#"fixture_calls_total{app="scripted"}"#), 1);
    assert_eq!(shown().await.count(r#"http_requests_in_progress{method="POST"}"#), 1);
    call.succeed().await;
    pending.response().await;
    assert_eq!(
        shown().await.count(r#"http_requests_total{method="POST",path="/call",status_code="200"}"#),
        1
    );
    assert_eq!(Client::tcp(address).await.exchange(&Request::get("/other")).await.status, 404);
}

/// The names of the metrics in the tables of the page about metrics.
fn documented() -> BTreeSet<String> {
    let page = read("docs/metrics.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    rows.map(|(name, _)| name.to_owned()).collect()
}

fn read(file: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file)).unwrap()
}

#[tokio::test]
async fn the_page_about_metrics_lists_exactly_those_that_exist_s82a() {
    let director = Director::new();
    let host = Program::run(&director, &["--app", "scripted"]);
    let mut names = documented();
    names.insert("fixture_calls".to_owned());
    let pending = host.call("a").await;
    director.call("a").await.succeed().await;
    pending.response().await;
    director.answer_of(1, Kind::Check, Answer::fail());
    host.counts(r#"fal_app_runner_ends_total{reason="unhealthy"}"#, 1).await;
    host.counts(r#"http_requests_total{method="POST",path="/call",replica="0",status_code="200"}"#, 1).await;
    // The last metric that the successor sends.
    let reported = async { while host.metrics().await.series("http_requests_in_progress").is_empty() {} };
    within("the metrics of the successor", reported).await;
    let page = String::from_utf8(host.shows("/metrics").await.body).unwrap();
    let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    assert_eq!(types.map(str::to_owned).collect::<BTreeSet<_>>(), names);
}

#[test]
fn the_dashboard_and_the_alert_rules_refer_only_to_metrics_that_exist_s82a() {
    let documented = documented();
    let dashboard: Value = serde_json::from_str(&read("docs/prometheus/dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.filter_map(|panel| panel["targets"].as_array()).flatten();
    let mut queries: Vec<_> = targets.map(|target| target["expr"].as_str().unwrap().to_owned()).collect();
    assert!(queries.len() > 20, "{}", queries.len());
    queries.push(dashboard["templating"].to_string());
    queries.push(read("docs/prometheus/alerts.yaml"));
    let mut used = BTreeSet::new();
    for query in &queries {
        let words = query.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        for word in words.filter(|word| word.starts_with("fal_") || word.starts_with("http_")) {
            let suffixes = ["_total", "_bucket", "_count", "_sum"];
            let name = suffixes.iter().find_map(|suffix| word.strip_suffix(suffix)).unwrap_or(word);
            assert!(documented.contains(name), "{word} in {query}");
            used.insert(name.to_owned());
        }
    }
    assert_eq!(used, documented, "the dashboard shows each metric");
}

/// Reads the exposition from standard input with the parser of Prometheus' Python client, and prints the names.
const PARSE: &str = "
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
for family in text_string_to_metric_families(sys.stdin.read()):
    assert family.documentation.endswith('.') and family.samples, family
    assert family.name.endswith('_seconds') == (family.unit == 'seconds'), family
    print(family.name)
";

#[tokio::test]
#[ignore = "needs prometheus-client from PyPI"]
async fn an_independent_parser_reads_every_metric_s82a() {
    let director = Director::new();
    let host = Program::run(&director, &["--app", "scripted"]);
    host.exchange(&Request::new("PUT", "/elsewhere")).await;
    host.counts(r#"fal_app_requests_completed_total{endpoint="other",method="PUT",status="4xx"}"#, 1).await;
    director.answer_of(1, Kind::Check, Answer::fail());
    host.counts(r#"fal_app_runner_ends_total{reason="unhealthy"}"#, 1).await;
    let pending = host.call("a").await;
    director.call("a").await.succeed().await;
    pending.response().await;
    host.counts(r#"http_requests_total{method="POST",path="/call",replica="0",status_code="200"}"#, 1).await;
    let page = host.shows("/metrics").await;
    assert_eq!(
        page.header("content-type"),
        Some("application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
    let mut parser = Command::new("python3")
        .args(["-c", PARSE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    parser.stdin.take().unwrap().write_all(&page.body).unwrap();
    let parsed = parser.wait_with_output().unwrap();
    assert!(parsed.status.success(), "{}", String::from_utf8_lossy(&page.body));
    let names: BTreeSet<_> = str::from_utf8(&parsed.stdout).unwrap().lines().map(str::to_owned).collect();
    let mut expected = documented();
    expected.insert("fixture_calls".to_owned());
    assert_eq!(names, expected);
}
