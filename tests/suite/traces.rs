//! Spans of requests, for OpenTelemetry: when there are spans (S111), which ones a request has (S112), which requests have
//! some (S113), and that they cost no request its service (S114).

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use fal_tests::{Act, Answer};
use rustix::process::Signal;
use tokio::net::{TcpListener, TcpSocket};
use tokio::process::Command;

use crate::harness::*;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CLIENT: &str = "00f067aa0ba902b7";

fn traced(name: &str, flags: &str) -> Request {
    Request::call(name).header("traceparent", &format!("00-{TRACE}-{CLIENT}-{flags}"))
}

/// The fixture, which sends its spans to this collector.
fn fixture_with(director: &Director, collector: SocketAddr, variables: &[(&str, &str)]) -> Command {
    let mut command = fixture(director);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{collector}"));
    command.env("OTEL_BSP_SCHEDULE_DELAY", "20").env("FAL_ADMIN_TOKEN", TOKEN);
    command.envs(variables.iter().copied());
    command
}

/// The fixture as a host whose runner takes requests, so that none waits for its start.
async fn host(director: &Director, app: &str, collector: SocketAddr, variables: &[(&str, &str)]) -> Program {
    let mut command = fixture_with(director, collector, variables);
    command.args(["run", "--app", app, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
    let host = Program::start(command.args(["--check-interval", "50ms"]));
    host.stderr.line("IDLE: takes requests").await;
    host
}

/// The ids in a `traceparent`.
fn ids(traceparent: &str) -> (String, String, String) {
    let mut parts = traceparent.split('-').skip(1).map(str::to_owned);
    (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap())
}

#[tokio::test]
async fn a_request_is_one_tree_of_spans_from_its_client_to_the_code_of_its_endpoint_s111a_s112a_s112b_s112c()
{
    for (app, blocks) in [("scripted", false), ("blocking", true)] {
        let (director, collector) = (Director::new(), Collector::start().await);
        let host = host(&director, app, collector.address, &[]).await;
        let first = blocks.then_some(host.call("first").await);
        let before = if blocks { Some(director.call("first").await) } else { None };
        let pending =
            Pending::new(host.address().await, &traced("second", "01").header("tracestate", "a=b")).await;
        if let Some(before) = before {
            host.counts("fal_app_queue_size", 1).await;
            before.succeed().await;
        }
        let call = director.call("second").await;
        let (trace, sent, flags) = ids(call.header("traceparent").unwrap());
        assert_eq!(call.header("tracestate"), Some("a=b"));
        call.succeed().await;
        assert_eq!(pending.response().await.status, 200);
        drop(first);

        // The exchange ends before its request.
        let exchange = collector.span(TRACE, "fal-host", "POST /call").await;
        let request = collector.nth_span(TRACE, "fal-host", "POST /call", 1).await;
        let endpoint = collector.span(TRACE, "fal-runtime", "POST /call").await;
        let own = collector.span(TRACE, "fal-runtime", "ask").await;
        assert_eq!((request.kind, exchange.kind, endpoint.kind, own.kind), (2, 3, 2, 1));
        assert_eq!(request.parent, CLIENT);
        assert_eq!((&exchange.parent, &endpoint.parent), (&request.id, &exchange.id));
        assert_eq!(own.parent, endpoint.id);
        assert_eq!((&*trace, &sent, &*flags), (TRACE, &exchange.id, "01"));
        if blocks {
            let queue = collector.span(TRACE, "fal-host", "queue").await;
            assert_eq!((&queue.parent, queue.kind), (&request.id, 1));
            assert!(queue.nanoseconds > 0 && queue.nanoseconds <= request.nanoseconds);
        } else {
            assert!(!collector.spans.look().iter().any(|span| span.name == "queue"));
        }

        for (name, value) in [
            ("http.request.method", "POST"),
            ("http.route", "/call"),
            ("http.response.status_code", "200"),
            ("url.path", "/call"),
            ("url.scheme", "http"),
            ("client.address", "127.0.0.1"),
            ("server.address", "test"),
            ("network.protocol.version", "1.1"),
            ("error.type", ""),
        ] {
            assert_eq!(request.attribute(name), value, "{name}");
        }
        assert_eq!(exchange.attribute("fal.runner.id"), "1");
        assert_eq!(
            (endpoint.attribute("http.route"), endpoint.attribute("http.response.status_code")),
            ("/call", "200")
        );
        // Both are the app, as two instances of it.
        let resource = |span: &SentSpan, name: &str| span.resource.get(name).cloned().unwrap_or_default();
        assert_eq!(
            (resource(&request, "service.name"), resource(&endpoint, "service.name")),
            (app.into(), app.into())
        );
        assert_ne!(resource(&request, "service.instance.id"), resource(&endpoint, "service.instance.id"));
        assert_eq!(resource(&endpoint, "fal.runner.id"), "1");
    }
}

#[tokio::test]
async fn checks_have_no_spans_and_neither_has_their_code_s111c() {
    let (director, collector) = (Director::new(), Collector::start().await);
    let mut host = host(&director, "scripted", collector.address, &[]).await;
    let mut asked = Client::tcp(host.admin().await).await;
    assert_eq!(asked.exchange(&Request::order("/runners/1/check")).await.status, 200);
    host.signal(Signal::TERM);
    assert_eq!(host.exit().await, Some(0));
    assert!(director.count(Kind::Check) > 0);
    // What `setup`, `handle_exit` and `teardown` do, each once.
    let names: Vec<_> = collector.spans.look().iter().map(|span| span.name.clone()).collect();
    assert_eq!(names, ["ask"; 3]);
}

#[tokio::test]
async fn a_trace_that_its_client_does_not_sample_has_no_spans_and_passes_as_it_is_s113a() {
    let (director, collector) = (Director::new(), Collector::start().await);
    let mut host = host(&director, "scripted", collector.address, &[]).await;
    let unsampled = Pending::new(host.address().await, &traced("a", "00")).await;
    let call = director.call("a").await;
    assert_eq!(call.header("traceparent").unwrap(), format!("00-{TRACE}-{CLIENT}-00"));
    call.succeed().await;
    unsampled.response().await;
    host.signal(Signal::TERM);
    assert_eq!(host.exit().await, Some(0));
    let spans = collector.spans.look().clone();
    assert!(!spans.is_empty() && spans.iter().all(|span| span.trace != TRACE), "{spans:?}");
}

#[tokio::test]
async fn the_host_decides_about_traces_that_begin_with_it_and_its_runner_follows_s113b() {
    let sampled = "parentbased_traceidratio";
    for (sampler, ratio, expected) in [(sampled, "1", "01"), (sampled, "0", "00"), ("always_off", "1", "00")]
    {
        let (director, collector) = (Director::new(), Collector::start().await);
        // The runner would sample every trace that begins with it.
        let variables = [("OTEL_TRACES_SAMPLER", sampler), ("OTEL_TRACES_SAMPLER_ARG", ratio)];
        let mut command = fixture_with(&director, collector.address, &variables);
        command.args(["run", "--app=scripted", "--listen=127.0.0.1:0", "--admin=off", "--access-log"]);
        command.args(["--env-each", "OTEL_TRACES_SAMPLER=parentbased_always_on"]);
        let mut host = Program::start(&mut command);
        host.stderr.line("IDLE: takes requests").await;
        let request = Request::call("a").header("tracestate", "a=of-no-trace");
        let pending = Pending::new(host.address().await, &request).await;
        let call = director.call("a").await;
        let (trace, _, flags) = ids(call.header("traceparent").unwrap());
        assert_eq!((&*flags, call.header("tracestate")), (expected, None), "{sampler} {ratio}");
        call.succeed().await;
        pending.response().await;
        host.stderr.line(&format!("outcome=\"completed\" {trace}")).await;
        host.signal(Signal::TERM);
        assert_eq!(host.exit().await, Some(0));
        let spans = collector.spans.look().clone();
        let count = spans.iter().filter(|span| span.trace == trace).count();
        assert_eq!(count, if expected == "01" { 4 } else { 0 }, "{spans:?}");
    }
}

#[tokio::test]
async fn spans_say_what_has_failed_s112a_s112b() {
    let (director, collector) = (Director::new(), Collector::start().await);
    let host = host(&director, "scripted", collector.address, &[]).await;
    let exchange = async |answer: Answer| {
        let pending = host.call("a").await;
        let call = director.call("a").await;
        let (trace, ..) = ids(call.header("traceparent").unwrap());
        call.answer(answer).await;
        let status = pending.response().await.status;
        let spans = [
            collector.span(&trace, "fal-host", "POST /call").await,
            collector.nth_span(&trace, "fal-host", "POST /call", 1).await,
        ];
        (trace, status, spans)
    };
    let (trace, status, spans) = exchange(Answer::fail()).await;
    let endpoint = collector.span(&trace, "fal-runtime", "POST /call").await;
    assert_eq!(status, 500);
    for span in spans.iter().chain([&endpoint]) {
        assert_eq!((span.attribute("error.type"), span.status), ("500", 2), "{span:?}");
    }
    let (trace, status, [exchange_span, request]) =
        exchange(Act::Refuse(404, "no such word".to_owned()).into()).await;
    let endpoint = collector.span(&trace, "fal-runtime", "POST /call").await;
    assert_eq!((status, exchange_span.status, request.status, endpoint.status), (404, 2, 0, 0));
    let (_, status, spans) = exchange(Act::Exit(7).into()).await;
    assert_eq!(status, 503);
    for span in spans {
        assert_eq!((span.attribute("error.type"), span.status), ("runner_disconnected", 2), "{span:?}");
    }
}

#[tokio::test]
async fn a_bare_runner_makes_the_span_of_the_endpoint_s112b_s114c() {
    let (director, collector) = (Director::new(), Collector::start().await);
    // No span would be sent before the end.
    let variables = [("OTEL_BSP_SCHEDULE_DELAY", "3600000"), ("OTEL_SERVICE_NAME", "named")];
    let mut command = fixture_with(&director, collector.address, &variables);
    command.args(["serve", "--app", "scripted", "--listen", "tcp:127.0.0.1:0"]);
    let mut runner = Program::start(&mut command);
    let pending = Pending::new(runner.address().await, &traced("a", "01")).await;
    director.call("a").await.succeed().await;
    pending.response().await;
    runner.signal(Signal::TERM);
    assert_eq!(runner.exit().await, Some(0));
    let endpoint = collector.span(TRACE, "fal-runtime", "POST /call").await;
    assert_eq!((&*endpoint.parent, endpoint.resource["service.name"].as_str()), (CLIENT, "named"));
}

#[tokio::test]
async fn a_host_and_its_runners_send_their_last_spans_when_they_stop_s114c() {
    let (director, collector) = (Director::new(), Collector::start().await);
    let variables = [("OTEL_BSP_SCHEDULE_DELAY", "3600000")];
    let mut host = host(&director, "scripted", collector.address, &variables).await;
    let pending = Pending::new(host.address().await, &traced("a", "01")).await;
    director.call("a").await.succeed().await;
    pending.response().await;
    assert!(collector.spans.look().is_empty());
    host.signal(Signal::TERM);
    assert_eq!(host.exit().await, Some(0));
    let spans = collector.spans.look().iter().filter(|span| span.trace == TRACE).count();
    assert_eq!(spans, 4);
}

#[tokio::test]
async fn a_runner_with_variables_that_it_cannot_use_serves_without_spans_s111b() {
    let (director, collector) = (Director::new(), Collector::start().await);
    let mut command = fixture_with(&director, collector.address, &[]);
    command.args(["run", "--app=scripted", "--listen=127.0.0.1:0", "--admin=off"]);
    command.args(["--env-each", "OTEL_TRACES_SAMPLER=never"]);
    let mut host = Program::start(&mut command);
    host.stderr.line("runner 1 ERROR no spans OTEL_TRACES_SAMPLER `never`").await;
    let pending = Pending::new(host.address().await, &traced("a", "01")).await;
    director.call("a").await.succeed().await;
    assert_eq!(pending.response().await.status, 200);
    host.signal(Signal::TERM);
    assert_eq!(host.exit().await, Some(0));
    let scopes: Vec<_> = collector.spans.look().iter().map(|span| span.scope.clone()).collect();
    assert!(!scopes.is_empty() && scopes.iter().all(|scope| scope == "fal-host"), "{scopes:?}");
}

#[tokio::test]
async fn the_spans_of_an_event_stream_end_when_its_client_leaves_s112a_s112b() {
    let (director, collector) = (Director::new(), Collector::start().await);
    let host = host(&director, "documented", collector.address, &[]).await;
    let mut client = Client::tcp(host.address().await).await;
    let request = Request::new("POST", "/count").header("traceparent", &format!("00-{TRACE}-{CLIENT}-01"));
    client.send(&request).await;
    assert_eq!(client.head().await.status, 200);
    client.chunk().await;
    let since = Instant::now();
    host.exchange(&Request::get("/health")).await;
    let lasted = u64::try_from(since.elapsed().as_nanos()).unwrap();
    drop(client);
    let endpoint = collector.span(TRACE, "fal-runtime", "POST /count").await;
    let exchange = collector.span(TRACE, "fal-host", "POST /count").await;
    let request = collector.nth_span(TRACE, "fal-host", "POST /count", 1).await;
    for span in [&endpoint, &exchange, &request] {
        assert!(span.nanoseconds >= lasted, "{span:?}");
    }
    assert_eq!((request.attribute("error.type"), request.status), ("client_left", 0));
}

/// The numbers of lost spans that a host has told.
fn lost(host: &Program) -> u64 {
    let log = host.stderr.text();
    let lines =
        log.lines().filter(|line| line.contains("WARN") && line.contains("lost") && !line.contains(" | "));
    let number = |line: &str| line.split("lost=").nth(1)?.split(' ').next()?.parse::<u64>().ok();
    lines.map(|line| number(line).unwrap_or_else(|| panic!("{line}"))).sum()
}

#[tokio::test]
async fn without_its_collector_a_host_serves_and_counts_the_spans_that_are_lost_s114a_s114b_s114c_s114d() {
    const REQUESTS: u64 = 40;
    // One refuses connections, and the other never answers.
    let refusing = TcpSocket::new_v4().unwrap();
    refusing.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    for (collector, error) in [(refusing.local_addr(), "refused"), (silent.local_addr(), "")] {
        let director = Director::new();
        director.answer(Kind::Call, Answer::ok());
        let small = [("OTEL_BSP_MAX_QUEUE_SIZE", "10"), ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "5")];
        let mut host = host(&director, "scripted", collector.unwrap(), &small).await;
        let mut client = Client::tcp(host.address().await).await;
        for _ in 0..REQUESTS {
            assert_eq!(client.exchange(&Request::call("a")).await.status, 200);
        }
        if !error.is_empty() {
            host.stderr.line(&format!("WARN lost once {error} endpoint=\"http://127.0.0.1")).await;
            let shown = host.shows("/runners").await.json();
            let lost = &shown["lost_spans"];
            assert!(
                lost["spans"].as_u64().unwrap() > 0 && lost["cause"].as_str().unwrap().contains(error),
                "{lost}"
            );
            let has_note = |note: &serde_json::Value| note["kind"] == "spans_lost";
            assert!(shown["notes"].as_array().unwrap().iter().any(has_note), "{shown}");
            assert!(host.metrics().await.count("fal_host_spans_lost_total") > 0);
        }
        drop(client);
        host.signal(Signal::TERM);
        let exit = tokio::time::timeout(Duration::from_secs(20), host.exit()).await;
        assert_eq!(exit.expect("it does not wait for its collector"), Some(0));
        assert_eq!(lost(&host), 2 * REQUESTS, "{}", host.stderr.text());
        assert!(!host.stderr.text().contains("was cut short"), "{}", host.stderr.text());
    }
}

#[tokio::test]
async fn a_host_refuses_variables_that_it_cannot_use_s111b() {
    let director = Director::new();
    for (name, value, words) in [
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://example.com/v1/traces", "without TLS"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "http/protobuf"),
        ("OTEL_TRACES_SAMPLER", "jaeger_remote", "parentbased_"),
    ] {
        for subcommand in ["run", "serve"] {
            let mut command = fixture_with(&director, ([127, 0, 0, 1], 9).into(), &[(name, value)]);
            let ended = output(command.args([subcommand, "--app", "scripted"])).await;
            assert_eq!(ended.code, Some(1), "{ended:?}");
            assert!(ended.stderr.contains(words), "{ended:?}");
        }
    }
    assert_eq!(director.asked().len(), 0);
}
