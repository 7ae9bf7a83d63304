//! Server-sent events.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::{Body, BodyDataStream};
use axum::http::{Method, Request};
use fal_runtime::__private::ConcurrencyLimit;
use fal_runtime::prelude::*;
use futures_util::StreamExt;
use serde_json::json;
use tokio::sync::{Notify, mpsc};

use crate::client::Client;

#[derive(Serialize, JsonSchema)]
struct Token {
    text: String,
}

/// Endpoints that say what they have sent, and that their call has ended.
struct Streaming {
    words: Vec<String>,
    sent: mpsc::UnboundedSender<usize>,
    ended: Arc<Notify>,
    running: AtomicUsize,
}

/// Says that a call has ended, however it did.
struct Ended(Arc<Notify>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[app]
impl Streaming {
    fn setup() -> Result<Self> {
        Err(Error::msg("made by hand"))
    }

    #[endpoint("/words")]
    async fn words(&self, times: usize, events: &mut Events<Token>) {
        let _ended = Ended(Arc::clone(&self.ended));
        self.running.fetch_add(1, Ordering::Relaxed);
        let words = self.words.iter().cycle().take(times).enumerate();
        for (number, text) in words {
            if events.send(Token { text: text.clone() }).await.is_err() {
                return;
            }
            let _ = self.sent.send(number);
        }
    }

    #[endpoint("/words/blocking")]
    fn words_blocking(&self, times: usize, events: &mut Events<&'static str>) -> Result<()> {
        let _ended = Ended(Arc::clone(&self.ended));
        events.response().headers_mut().insert("x-own", "yes".parse()?);
        for _ in 0..times {
            events.send_blocking("word")?;
        }
        Ok(())
    }

    #[endpoint("/head")]
    async fn head(&self, events: &mut Events<u32>) -> Result<()> {
        let head = events.response();
        head.set_status(StatusCode::ACCEPTED);
        head.request_health_check();
        events.send(1).await?;
        events.response().set_status(StatusCode::IM_A_TEAPOT);
        events.response().headers_mut().insert("x-late", "yes".parse()?);
        events.send(2).await
    }

    #[endpoint("/head/unsound")]
    async fn unsound(&self, events: &mut Events<u32>) -> Result<()> {
        events.response().set_status(StatusCode::SWITCHING_PROTOCOLS);
        events.send(1).await
    }

    #[endpoint("/nothing")]
    async fn nothing(&self, events: &mut Events<u32>) {
        events.response().headers_mut().insert("x-own", "yes".parse().unwrap());
    }

    #[endpoint("/error/before")]
    async fn error_before(&self, events: &mut Events<u32>) -> Result<()> {
        events.response().request_health_check();
        Err(Error::new(StatusCode::CONFLICT, "too early"))
    }

    #[endpoint("/error/after")]
    async fn error_after(&self, events: &mut Events<u32>) -> Result<()> {
        events.send(1).await?;
        Err(Error::new(StatusCode::CONFLICT, "too late"))
    }

    #[endpoint("/panic/before")]
    async fn panic_before(&self, events: &mut Events<u32>) {
        events.response().request_health_check();
        panic!("secret")
    }

    #[endpoint("/panic/after")]
    fn panic_after(&self, events: &mut Events<u32>) {
        events.send_blocking(1).unwrap();
        panic!("secret")
    }

    #[endpoint("/joined")]
    async fn joined(&self, events: &mut Events<u32>) -> Result<()> {
        for number in 0..3 {
            let (sent, ()) = tokio::join!(events.send(number), tokio::task::yield_now());
            sent?;
        }
        Ok(())
    }
}

struct Bench {
    client: Client,
    calls: Arc<ConcurrencyLimit>,
    sent: mpsc::UnboundedReceiver<usize>,
    ended: Arc<Notify>,
}

fn bench() -> Bench {
    let (sent, receiver) = mpsc::unbounded_channel();
    let ended = Arc::new(Notify::new());
    let words = ["one", "two"].map(str::to_owned).to_vec();
    let app = Streaming { words, sent, ended: Arc::clone(&ended), running: AtomicUsize::new(0) };
    let calls = ConcurrencyLimit::new(Streaming::declaration().settings.max_multiplexing());
    let router = Streaming::declaration().router(Arc::new(app), Arc::clone(&calls));
    Bench { client: Client(router), calls, sent: receiver, ended }
}

impl Bench {
    async fn open(&self, path: &str, body: impl Into<Body>) -> BodyDataStream {
        let request =
            Request::post(path).header("content-type", "application/json").body(body.into()).unwrap();
        let response = self.client.send_raw(request).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        response.into_body().into_data_stream()
    }
}

async fn next(body: &mut BodyDataStream) -> String {
    String::from_utf8(body.next().await.unwrap().unwrap().to_vec()).unwrap()
}

#[tokio::test]
async fn each_item_is_one_event_that_borrows_from_the_app() {
    let answer = bench().client.post("/words", json!(3)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), Some("no-cache"));
    assert_eq!(
        answer.text,
        "data: {\"text\":\"one\"}\n\ndata: {\"text\":\"two\"}\n\ndata: {\"text\":\"one\"}\n\n"
    );
}

#[tokio::test]
async fn a_blocking_endpoint_sends_the_same() {
    let answer = bench().client.post("/words/blocking", json!(2)).await;
    assert_eq!((answer.status.as_u16(), answer.header("x-own")), (200, Some("yes")));
    assert_eq!(answer.text, "data: \"word\"\n\ndata: \"word\"\n\n");
}

#[tokio::test]
async fn events_are_sent_while_the_body_is_read_and_no_faster() {
    let mut bench = bench();
    let mut body = bench.open("/words", "1000").await;
    let mut ahead = 0;
    for read in 0..20 {
        next(&mut body).await;
        while bench.sent.try_recv().is_ok() {
            ahead += 1;
        }
        assert!(ahead <= read + 2, "{ahead} sent when {} were read", read + 1);
    }
}

#[tokio::test]
async fn the_place_of_a_stream_lasts_until_it_has_ended_s38a() {
    let bench = bench();
    let mut body = bench.open("/words", "2").await;
    assert_eq!(bench.calls.running_paths(), ["/words"]);
    while body.next().await.is_some() {}
    assert!(bench.calls.running_paths().is_empty());
}

#[tokio::test]
async fn a_client_that_leaves_cancels_an_async_stream() {
    let bench = bench();
    let mut body = bench.open("/words", "1000").await;
    next(&mut body).await;
    drop(body);
    bench.ended.notified().await;
    assert!(bench.calls.running_paths().is_empty());
}

#[tokio::test]
async fn a_client_that_leaves_is_told_to_a_blocking_stream_when_it_sends() {
    let bench = bench();
    let mut body = bench.open("/words/blocking", "1000000").await;
    next(&mut body).await;
    drop(body);
    bench.ended.notified().await;
    bench.calls.idle().await;
}

#[tokio::test]
async fn the_head_goes_out_with_the_first_event_and_changes_no_more_s29b() {
    let answer = bench().client.ask(Method::POST, "/head").await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (202, "data: 1\n\ndata: 2\n\n"));
    assert_eq!(answer.header("x-fal-runner-health-check"), Some("true"));
    assert_eq!(answer.header("x-late"), None);
}

#[tokio::test]
async fn an_invalid_head_is_an_error_before_the_first_event() {
    let answer = bench().client.ask(Method::POST, "/head/unsound").await;
    assert_eq!((answer.status.as_u16(), answer.detail()), (500, json!("Internal Server Error")));
}

#[tokio::test]
async fn a_stream_without_an_event_still_has_its_head() {
    let answer = bench().client.ask(Method::POST, "/nothing").await;
    assert_eq!(
        (answer.status.as_u16(), answer.text.as_str(), answer.header("x-own")),
        (200, "", Some("yes"))
    );
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
}

#[tokio::test]
async fn an_error_before_the_first_event_is_an_ordinary_one_s27c() {
    let answer = bench().client.ask(Method::POST, "/error/before").await;
    assert_eq!((answer.status.as_u16(), answer.detail()), (409, json!("too early")));
    assert_eq!(answer.header("x-fal-runner-health-check"), Some("true"));
    let panic = bench().client.ask(Method::POST, "/panic/before").await;
    assert_eq!((panic.status.as_u16(), panic.detail()), (500, json!("Internal Server Error")));
    assert_eq!(panic.header("x-fal-runner-health-check"), Some("true"));
    assert_eq!(bench().client.post("/words", json!("x")).await.status, 422);
}

#[tokio::test]
async fn an_error_after_the_first_event_is_the_last_event() {
    let answer = bench().client.ask(Method::POST, "/error/after").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.text, "data: 1\n\nevent: error\ndata: {\"detail\":\"too late\"}\n\n");
    let panic = bench().client.ask(Method::POST, "/panic/after").await;
    let id = panic.header("x-fal-request-id").unwrap();
    let last = format!("{{\"detail\":\"Internal Server Error\",\"request_id\":\"{id}\"}}");
    assert_eq!(panic.text, format!("data: 1\n\nevent: error\ndata: {last}\n\n"));
}

#[tokio::test]
async fn events_can_be_sent_beside_other_work() {
    let answer = bench().client.ask(Method::POST, "/joined").await;
    assert_eq!(answer.text, "data: 0\n\ndata: 1\n\ndata: 2\n\n");
}

#[test]
fn the_document_tells_what_an_event_holds() {
    let document = Streaming::declaration().openapi();
    let answer = &document["paths"]["/words"]["post"]["responses"]["200"];
    let schema = &answer["content"]["text/event-stream"]["schema"];
    assert_eq!(schema["$ref"], "#/components/schemas/Token");
}
