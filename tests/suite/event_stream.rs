//! The stream of events, and the page that lives from it (S86, S89).

use serde_json::{Value, json};

use crate::harness::*;
use crate::operating::Operated;

/// The events of a stream until one of this kind, with their ids.
async fn events_until(client: &mut Client, kind: &str) -> Vec<(String, Value)> {
    let (mut text, mut events) = (String::new(), Vec::new());
    loop {
        text.push_str(&String::from_utf8(client.chunk().await).unwrap());
        while let Some((message, rest)) = text.split_once("\n\n") {
            let field =
                |name: &str| message.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
            if let Some(data) = field("data: ") {
                events.push((field("id: ").unwrap_or_default(), serde_json::from_str(&data).unwrap()));
            }
            text = rest.to_owned();
        }
        if events.iter().any(|(_, event): &(String, Value)| event["kind"] == kind) {
            return events;
        }
    }
}

#[tokio::test]
async fn events_are_numbered_resumable_and_filterable_s86a() {
    let director = Director::new();
    let operated = Operated::run(&director, &[]);
    let host = &operated.host;
    host.stderr.line("IDLE: takes requests runner=1").await;
    let mut client = Client::tcp(host.admin().await).await;
    client.send(&Request::get("/events?after=0")).await;
    assert_eq!(client.head().await.header("content-type"), Some("text/event-stream"));
    let events = events_until(&mut client, "checked").await;
    let kinds: Vec<_> = events.iter().map(|(_, event)| event["kind"].as_str().unwrap()).collect();
    assert!(kinds.starts_with(&["started", "progress", "awaiting_first_pass"]), "{kinds:?}");
    // The ids have a number, and before it what distinguishes them from those of another host.
    assert!(events.iter().all(|(id, event)| event["id"] == **id));
    let ids: Vec<_> = events.iter().map(|(id, _)| id.split_once('-').unwrap()).collect();
    assert!(
        ids.iter()
            .zip(1..)
            .all(|((epoch, number), expected)| *epoch == ids[0].0 && *number == format!("{expected}"))
    );
    // A client that comes back gets what it has missed.
    operated.succeed(&["kill", "1"]).await;
    host.stderr.line("TERMINATED runner=1").await;
    let mut resumed = Client::tcp(host.admin().await).await;
    let (last, _) = &events[1];
    resumed.send(&Request::get("/events").header("last-event-id", last)).await;
    resumed.head().await;
    let after = events_until(&mut resumed, "terminated").await;
    assert_eq!(after[0].0, events[2].0);
    // Events of its successor may be there too.
    let (_, end) = after.iter().find(|(_, event)| event["kind"] == "terminated").unwrap();
    assert_eq!((&end["reason"], &end["exit"]), (&"operator".into(), &json!({ "signal": 9 })));
    let mut filtered = Client::tcp(host.admin().await).await;
    filtered.send(&Request::get("/events?after=0&kind=terminated,ready&runner=1")).await;
    filtered.head().await;
    let some = events_until(&mut filtered, "terminated").await;
    let kinds: Vec<_> = some.iter().map(|(_, event)| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["ready", "terminated"]);
}

#[tokio::test]
async fn a_failed_check_is_an_event_with_its_detail_s86a() {
    let director = Director::new();
    let operated = Operated::run(&director, &[]);
    operated.host.stderr.line("IDLE: takes requests runner=1").await;
    director.answer_of(1, Kind::Check, fal_tests::Act::Refuse(503, "no GPU left".to_owned()));
    operated.host.stderr.line("TERMINATED runner=1").await;
    let mut client = Client::tcp(operated.host.admin().await).await;
    client.send(&Request::get("/events?after=0&runner=1")).await;
    client.head().await;
    let events = events_until(&mut client, "terminated").await;
    let failed = events.iter().find(|(_, event)| event["outcome"] == "failure").unwrap();
    assert_eq!((&failed.1["detail"], &failed.1["status"]), (&"no GPU left".into(), &503.into()));
}

#[tokio::test]
async fn more_clients_than_may_follow_the_events_are_refused_s86a() {
    let director = Director::new();
    let operated = Operated::run(&director, &[]);
    let mut clients = Vec::new();
    for _ in 0..16 {
        let mut client = Client::tcp(operated.host.admin().await).await;
        client.send(&Request::get("/events")).await;
        assert_eq!(client.head().await.status, 200);
        clients.push(client);
    }
    assert_eq!(operated.host.shows("/events").await.status, 503);
    assert_eq!(operated.host.shows("/runners").await.status, 200);
}

#[tokio::test]
async fn the_page_is_one_file_that_asks_only_its_own_host_s89a() {
    let director = Director::new();
    let operated = Operated::run(&director, &[]);
    let page = operated.host.shows("/").await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("connect-src 'self'"), "{policy}");
    assert_own_inline_parts(&page);
    let text = String::from_utf8(page.body).unwrap();
    let elsewhere = text.replace("http://www.w3.org/2000/svg", "");
    assert!(!elsewhere.contains("http://") && !elsewhere.contains("https://") && !elsewhere.contains("src="));
}

#[tokio::test]
async fn what_a_runner_prints_is_shown_as_text_s89a() {
    let director = Director::new();
    let operated = Operated::run(&director, &[]);
    let page = operated.host.shows("/").await;
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("require-trusted-types-for 'script'"), "{policy}");
    let text = String::from_utf8(page.body).unwrap();
    for unsafe_way in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
        assert!(!text.contains(unsafe_way), "{unsafe_way}");
    }
}

#[tokio::test]
async fn the_page_gets_what_was_before_it_was_opened_s89c() {
    let director = Director::new();
    let operated = Operated::run(&director, &[]);
    let mut history = operated.host.shows("/history").await.json();
    while history[0].is_null() {
        history = operated.host.shows("/history").await.json();
    }
    let first = &history[0];
    assert_eq!((&first["queued"], &first["in_flight"]), (&json!(0), &json!(0)));
    assert_eq!(first["latency"]["requests"], 0);
    assert!(first["at"].as_f64().is_some_and(|at| at > 1.7e9), "{first}");
}
