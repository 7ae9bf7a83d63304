//! What the host writes about requests: S83, S84.

use std::process::Stdio;

use fal_tests::{Act, Answer, end_with_test};
use serde_json::Value;

use crate::harness::*;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn traced(name: &str) -> Request {
    Request::call(name).header("traceparent", &format!("00-{TRACE}-00f067aa0ba902b7-01"))
}

/// The object of the line in the access log that has this request id.
async fn accessed(host: &Program, id: &str) -> Value {
    let line = host.stderr.line(&format!("fal_host::access {id}")).await;
    serde_json::from_str(&line).unwrap()
}

#[tokio::test]
async fn the_access_log_has_a_line_for_each_request_with_its_fields_s83a_s83b_s83c() {
    let director = Director::new();
    let host = Program::run(&director, &["--app", "scripted", "--access-log", "--log-format", "json"]);
    let pending = Pending::new(host.address().await, &traced("a").header("x-fal-request-id", "first")).await;
    director.call("a").await.succeed().await;
    let body = pending.response().await.body;
    let line = accessed(&host, "first").await;
    for (field, expected) in [
        ("level", Value::from("INFO")),
        ("message", "request".into()),
        ("client", "127.0.0.1".into()),
        ("method", "POST".into()),
        ("path", "/call".into()),
        ("endpoint", "/call".into()),
        ("status", 200.into()),
        ("bytes", body.len().into()),
        ("runner", 1.into()),
        ("request_id", "first".into()),
        ("trace_id", TRACE.into()),
        ("outcome", "completed".into()),
    ] {
        assert_eq!(line[field], expected, "{field}: {line}");
    }
    let time = |field: &str| line[field].as_f64().unwrap();
    assert!(time("runner_ms") > 0.0 && time("queue_ms") >= 0.0, "{line}");
    assert!(time("duration_ms") >= time("runner_ms") + time("queue_ms"), "{line}");

    // No query, no runner, and the error of the host as the outcome.
    let request = Request::new("CONNECT", "a:1").header("x-fal-request-id", "second");
    host.exchange(&request).await;
    let line = accessed(&host, "second").await;
    assert_eq!((&line["outcome"], &line["status"]), (&"not_supported".into(), &501.into()));
    assert_eq!((&line["runner"], &line["trace_id"]), (&Value::Null, &Value::Null));
    let request = Request::get("/elsewhere?key=secret").header("x-fal-request-id", "third");
    host.exchange(&request).await;
    let line = accessed(&host, "third").await;
    assert_eq!((&line["path"], &line["endpoint"]), (&"/elsewhere".into(), &"other".into()));
    assert!(!host.stderr.text().contains("secret"));
}

#[tokio::test]
async fn the_access_log_names_a_client_that_has_left_s83b() {
    let director = Director::new();
    let host = Program::run(&director, &["--app", "scripted", "--access-log"]);
    let pending = host.call("a").await;
    let call = director.call("a").await;
    pending.leave().await;
    let line = host.stderr.line("request client=\"127.0.0.1\" outcome=\"client_left\"").await;
    assert!(line.contains("path=\"/call\"") && !line.contains("status="), "{line}");
    call.abandoned().await;
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_named_and_has_not_left_by_itself_s84b() {
    let director = Director::new();
    let arguments = ["--app", "scripted", "--access-log", "--client-timeout", "300ms"];
    let host = Program::run(&director, &arguments);
    host.stderr.line("IDLE: takes requests runner=1").await;
    let mut client = Client::tcp(host.address().await).await;
    client.send(&Request::call("a")).await;
    // More than the sockets between the runner and the client hold.
    director.call("a").await.answer(fal_tests::Act::Refuse(400, "x".repeat(30_000_000))).await;
    let line = host.stderr.line("a client has read too little of its response").await;
    let named =
        ["error_type=client_timeout", "client=\"127.0.0.1\"", "path=\"/call\"", "request_id=", "runner=1"];
    assert!(named.iter().all(|field| line.contains(field)), "{line}");
    let line = host.stderr.line("request client=\"127.0.0.1\" outcome=\"client_timeout\"").await;
    assert!(line.contains("path=\"/call\"") && line.contains("status=400"), "{line}");
    let timeouts =
        r#"fal_app_requests_completed_total{endpoint="/call",method="POST",status="client_timeout"}"#;
    host.counts(timeouts, 1).await;
    host.counts(r#"fal_app_request_errors_total{error_type="client_timeout"}"#, 1).await;
    let refused = host.shows("/runners").await.json()["refused"].clone();
    assert_eq!(refused[0]["error_type"], "client_timeout", "{refused}");
}

#[tokio::test]
async fn a_host_without_an_access_log_writes_no_line_for_a_request_s83b() {
    let director = Director::new();
    let host = Program::run(&director, &["--app", "scripted"]);
    let pending = host.call("a").await;
    director.call("a").await.succeed().await;
    pending.response().await;
    host.counts(r#"fal_app_requests_completed_total{endpoint="/call",method="POST",status="2xx"}"#, 1).await;
    assert!(!host.stderr.text().contains("outcome"), "{}", host.stderr.text());
}

#[tokio::test]
async fn every_line_of_a_json_log_is_an_object_and_what_runners_print_is_its_message_s83a() {
    let director = Director::new();
    let mut host = Program::run(&director, &["--app", "scripted", "--log-format", "json"]);
    let pending = Pending::new(host.address().await, &traced("a")).await;
    director.call("a").await.answer(Answer::fail()).await;
    assert_eq!(pending.response().await.status, 500);
    // The runner's own line about it, too, has the trace.
    let line = host.stderr.line(&format!("told to fail {TRACE}")).await;
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&line["runner"], &line["stream"]), (&1.into(), &"stderr".into()));
    assert!(line["message"].as_str().unwrap().contains("told to fail"), "{line}");
    host.signal(rustix::process::Signal::TERM);
    assert_eq!(host.exit().await, Some(0));
    for line in host.stderr.text().lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(line["timestamp"].is_string() && line["message"].is_string(), "{line}");
        assert!(line["level"].is_string() || line["runner"].is_u64(), "{line}");
    }
}

#[tokio::test]
async fn the_trace_of_a_request_reaches_the_runner_as_it_is_without_spans_s83c_s112c() {
    let director = Director::new();
    let host = Program::run(&director, &["--app", "scripted"]);
    let pending = Pending::new(host.address().await, &traced("a")).await;
    let call = director.call("a").await;
    assert_eq!(call.header("traceparent").unwrap(), format!("00-{TRACE}-00f067aa0ba902b7-01"));
    call.answer(Act::Exit(7)).await;
    assert_eq!(pending.response().await.error_type(), "runner_disconnected");
    host.stderr.line(&format!("trace_id=\"{TRACE}\" error_type=runner_disconnected")).await;
}

#[tokio::test]
async fn clients_read_why_a_proxy_failed_them_and_how_long_they_waited_s83d_s83e() {
    let director = Director::new();
    let host = Program::run(&director, &["--app", "blocking", "--queue", "0", "--server-timing"]);
    host.stderr.line("IDLE runner=1").await;
    let pending = host.call("a").await;
    let call = director.call("a").await;
    let refused = host.exchange(&Request::call("b")).await;
    assert_eq!(
        refused.header("proxy-status"),
        Some(r#"fal-host; error=connection_limit_reached; details="queue_full""#)
    );
    assert!(refused.header("server-timing").unwrap().ends_with("runner;dur=0"), "{refused:?}");
    call.succeed().await;
    let response = pending.response().await;
    assert_eq!(response.header("proxy-status"), None);
    let timing = response.header("server-timing").unwrap();
    let runner = timing.strip_prefix("queue;dur=0, runner;dur=").unwrap();
    assert!(runner.parse::<f64>().unwrap() > 0.0, "{timing}");
}

#[tokio::test]
async fn a_host_whose_log_has_no_room_says_so_and_counts_the_lines_s117a_s117b() {
    let director = Director::new();
    let mut command = fixture(&director);
    command.args(["run", "--app", "scripted", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
    // Every write fails as on a full disk.
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(full).process_group(0).kill_on_drop(true);
    end_with_test(command.as_std_mut());
    let host = Program::of(command.spawn().unwrap());
    director.asked_times(1, 1, Kind::Check).await;
    let shown = host.shows_when(|shown| !shown["lost_log_lines"].is_null()).await;
    let lost = &shown["lost_log_lines"];
    assert!(lost["lines"].as_u64().unwrap() > 0 && lost["since"].is_f64(), "{shown}");
    let text = shown["notes"][0]["text"].as_str().unwrap();
    let cause = "standard error (/dev/full): No space left on device";
    assert!(text.contains(" lost since ") && text.contains(cause), "{shown}");
    let explained = String::from_utf8(host.shows("/runners/1/explain").await.body).unwrap();
    assert!(explained.contains(cause) && explained.contains("[S117a]"), "{explained}");
    let metrics = String::from_utf8(host.shows("/metrics").await.body).unwrap();
    let counted = metrics.lines().find(|line| line.starts_with("fal_host_log_lines_lost_total{")).unwrap();
    assert!(!counted.ends_with(" 0.0"), "{counted}");
}

#[tokio::test]
async fn the_first_refusal_is_a_warning_that_names_its_cause_and_the_second_one_is_none_s84a() {
    let director = Director::new();
    let host = Program::run(&director, &["--app", "blocking", "--queue", "0"]);
    host.stderr.line("IDLE runner=1").await;
    let pending = host.call("a").await;
    let call = director.call("a").await;
    for name in ["b", "c"] {
        assert_eq!(host.exchange(&Request::call(name)).await.error_type(), "queue_full");
    }
    let line = host.stderr.line("WARN a request is refused error_type=queue_full").await;
    assert!(
        line.contains("1 of 1 permits are held") && line.contains(": /call (1); more `--runners` or"),
        "{line}"
    );
    call.succeed().await;
    pending.response().await;
    assert_eq!(host.stderr.text().matches("is refused").count(), 1);
}

#[tokio::test]
async fn what_was_refused_is_shown_with_its_cause_s84c() {
    let director = Director::new();
    let host = Program::run(&director, &["--app", "blocking", "--queue", "0"]);
    host.stderr.line("IDLE runner=1").await;
    assert_eq!(host.shows("/runners").await.json()["refused"], serde_json::json!([]));
    let pending = host.call("a").await;
    let call = director.call("a").await;
    for name in ["b", "c"] {
        assert_eq!(host.exchange(&Request::call(name)).await.error_type(), "queue_full");
    }
    let shown = host.shows("/runners").await.json();
    let [refused] = &shown["refused"].as_array().unwrap()[..] else { panic!("one kind is refused: {shown}") };
    assert_eq!((&refused["error_type"], &refused["count"]), (&"queue_full".into(), &2.into()));
    assert!(refused["cause"].as_str().is_some_and(|cause| cause.starts_with("1 of 1 permits are held")));
    assert!(refused["last_at"].as_f64().is_some_and(|at| at > 1.7e9), "{refused}");
    call.succeed().await;
    pending.response().await;
}

#[tokio::test]
async fn a_request_that_no_runner_takes_in_time_is_a_warning_without_a_runner_s84a() {
    let director = Director::new();
    director.hold(Kind::Setup);
    let host = Program::run(&director, &["--app", "scripted", "--queue-timeout", "10ms"]);
    host.stderr.line("SETUP: started runner=1").await;
    let refused = host.exchange(&Request::call("a")).await;
    assert_eq!(refused.error_type(), "queue_timeout");
    assert_eq!(refused.json()["detail"], "No runner takes requests now: the request has waited for 10ms.");
    let line =
        host.stderr.line("WARN a request is refused error_type=queue_timeout no runner takes requests").await;
    assert!(
        line.contains(": runner 1 has been in SETUP for ") && line.contains("; `explain 1` says why"),
        "{line}"
    );
    assert!(!line.contains("--runners"), "{line}");
}
