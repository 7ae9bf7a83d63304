//! The fields of server-sent events, and the comments that keep a stream open.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{Method, Request};
use fal_runtime::answer::ServerEvent;
use fal_runtime::extract::Headers;
use fal_runtime::prelude::*;
use futures_util::StreamExt;
use tokio::time::Instant;

use crate::client::Client;

#[derive(Deserialize, JsonSchema)]
struct Resumed {
    last_event_id: Option<u32>,
}

#[derive(Default)]
struct Ticker;

#[app(max_multiplexing = 8)]
impl Ticker {
    #[endpoint("/resume")]
    async fn resume(&self, Headers(resumed): Headers<Resumed>, events: &mut Events<u32>) -> Result<()> {
        let first = resumed.last_event_id.map_or(0, |last| last + 1);
        let event = ServerEvent::new(first).name("tick").id(first.to_string());
        events.send_event(event.retry(Duration::from_millis(500))).await
    }

    #[endpoint("/blocking")]
    fn blocking(&self, events: &mut Events<u32>) -> Result<()> {
        events.send_event_blocking(&ServerEvent::new(1).name("tick"))
    }

    #[endpoint("/broken")]
    async fn broken(&self, events: &mut Events<u32>) -> Result<()> {
        events.send_event(ServerEvent::new(1).id("1\ndata: 2")).await
    }

    #[endpoint("/slow")]
    async fn slow(&self, seconds: Option<u64>, events: &mut Events<u32>) -> Result<()> {
        if let Some(seconds) = seconds {
            events.keep_alive(Some(Duration::from_secs(seconds)).filter(|interval| !interval.is_zero()));
        }
        events.send(1).await?;
        tokio::time::sleep(Duration::from_secs(40)).await;
        events.send(2).await
    }
}

async fn text(path: &str, last_event_id: Option<&str>) -> String {
    let mut request = Request::post(path);
    if let Some(id) = last_event_id {
        request = request.header("last-event-id", id);
    }
    Client::of(Ticker).send(request.body(Body::empty()).unwrap()).await.text
}

/// What is received, each with the seconds since the start.
async fn received(seconds: &str) -> Vec<(u64, String)> {
    let request = Request::post("/slow").header("content-type", "application/json");
    let response = Client::of(Ticker).send_raw(request.body(Body::from(seconds.to_owned())).unwrap()).await;
    let start = Instant::now();
    let mut body: BodyDataStream = response.into_body().into_data_stream();
    let mut received = Vec::new();
    while let Some(chunk) = body.next().await {
        let text = String::from_utf8(chunk.unwrap().to_vec()).unwrap();
        received.push((start.elapsed().as_secs(), text.trim_end().to_owned()));
    }
    received
}

#[tokio::test]
async fn an_event_has_a_name_an_id_and_a_time_to_reconnect() {
    assert_eq!(text("/resume", None).await, "event: tick\nid: 0\nretry: 500\ndata: 0\n\n");
    assert_eq!(text("/resume", Some("41")).await, "event: tick\nid: 42\nretry: 500\ndata: 42\n\n");
    assert_eq!(text("/blocking", None).await, "event: tick\ndata: 1\n\n");
}

#[tokio::test]
async fn a_line_break_in_a_field_is_an_error_of_the_endpoint() {
    let answer = Client::of(Ticker).ask(Method::POST, "/broken").await;
    assert_eq!(answer.detail(), "Internal Server Error");
}

#[tokio::test(start_paused = true)]
async fn a_stream_without_events_gets_a_comment_every_15_s() {
    let comment = ": keep-alive".to_owned();
    let expected =
        [(0, "data: 1".to_owned()), (15, comment.clone()), (30, comment.clone()), (40, "data: 2".to_owned())];
    assert_eq!(received("null").await, expected);
    let at: Vec<_> = received("12").await.into_iter().map(|(second, _)| second).collect();
    assert_eq!(at, [0, 12, 24, 36, 40]);
    let off: Vec<_> = received("0").await.into_iter().map(|(second, _)| second).collect();
    assert_eq!(off, [0, 40]);
}

#[tokio::test]
async fn proxies_do_not_collect_or_cache_events() {
    let answer = Client::of(Ticker).ask(Method::POST, "/resume").await;
    assert_eq!(answer.header("cache-control"), Some("no-cache"));
    assert_eq!(answer.header("x-accel-buffering"), Some("no"));
}
