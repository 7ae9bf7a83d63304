//! Answers other than JSON.

use axum::body::Body;
use axum::http::Method;
use fal_runtime::answer::{Binary, File, Redirect, Response};
use fal_runtime::prelude::*;
use serde_json::json;

use crate::client::Client;

struct Answering {
    directory: tempfile::TempDir,
}

impl Answering {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("long"), "0123456789".repeat(20_000)).unwrap();
        std::fs::write(directory.path().join("empty"), "").unwrap();
        Self { directory }
    }
}

#[app]
impl Answering {
    fn setup() -> Result<Self> {
        Err(Error::msg("made by hand"))
    }

    #[endpoint("/binary")]
    async fn binary(&self) -> Binary {
        Binary::new(vec![0, 159, 146, 150]).content_type("image/png")
    }

    #[endpoint("/file")]
    async fn file(&self, name: String, response: &mut ResponseHead) -> Result<File> {
        response.headers_mut().insert("x-own", "yes".parse()?);
        let file = File::open(self.directory.path().join(name)).await.status(StatusCode::NOT_FOUND)?;
        Ok(file.content_type("text/plain"))
    }

    #[endpoint("/file/blocking")]
    fn file_blocking(&self, behind: u64) -> Result<File> {
        use std::io::Seek;
        let mut file = std::fs::File::open(self.directory.path().join("long"))?;
        file.seek(std::io::SeekFrom::Start(behind))?;
        Ok(File::from_std(file)?)
    }

    #[endpoint("/file/truncated")]
    async fn truncated(&self) -> Result<File> {
        let path = self.directory.path().join("short");
        std::fs::write(&path, "0123456789")?;
        let file = File::open(&path).await?;
        std::fs::write(&path, "01234")?;
        Ok(file)
    }

    #[endpoint("/see")]
    async fn see(&self, response: &mut ResponseHead) -> Redirect {
        response.request_health_check();
        Redirect::see("/elsewhere")
    }

    #[endpoint("/temporary")]
    async fn temporary(&self, location: String) -> Result<Redirect> {
        Ok(Redirect::temporary(location))
    }

    #[endpoint("/response")]
    async fn response(&self) -> Response {
        Response::builder().status(418).header("x-own", "yes").body(Body::from("teapot")).unwrap()
    }

    #[endpoint("/no-content")]
    async fn no_content(&self, response: &mut ResponseHead) -> Binary {
        response.set_status(StatusCode::NO_CONTENT);
        Binary::new(*b"unread")
    }
}

#[tokio::test]
async fn bytes_are_sent_as_what_they_are() {
    let response = Client::of(Answering::new()).ask_raw(Method::POST, "/binary").await;
    assert_eq!(response.headers()["content-type"], "image/png");
    let bytes = axum::body::to_bytes(response.into_body(), 99).await.unwrap();
    assert_eq!(*bytes, [0, 159, 146, 150]);
}

#[tokio::test]
async fn a_file_is_sent_whole_with_its_length_and_the_heads_headers() {
    let client = Client::of(Answering::new());
    let answer = client.post("/file", json!("long")).await;
    assert_eq!(answer.text, "0123456789".repeat(20_000));
    assert_eq!(answer.header("content-length"), Some("200000"));
    assert_eq!(answer.header("content-type"), Some("text/plain"));
    assert_eq!(answer.header("x-own"), Some("yes"));
    let empty = client.post("/file", json!("empty")).await;
    assert_eq!((empty.status.as_u16(), empty.text.as_str()), (200, ""));
    let rest = client.post("/file/blocking", json!(199_995)).await;
    assert_eq!((rest.text.as_str(), rest.header("content-length")), ("56789", Some("5")));
    assert_eq!(rest.header("content-type"), Some("application/octet-stream"));
}

#[tokio::test]
async fn what_is_no_file_is_an_ordinary_error() {
    let client = Client::of(Answering::new());
    assert_eq!(client.post("/file", json!("missing")).await.status, 404);
    assert_eq!(client.post("/file", json!(".")).await.status, 404);
}

#[tokio::test]
async fn a_file_that_becomes_shorter_breaks_off() {
    let response = Client::of(Answering::new()).ask_raw(Method::POST, "/file/truncated").await;
    assert_eq!(response.headers()["content-length"], "10");
    assert!(axum::body::to_bytes(response.into_body(), 99).await.is_err());
}

#[tokio::test]
async fn a_redirect_has_its_own_status_and_says_where() {
    let client = Client::of(Answering::new());
    let see = client.ask(Method::POST, "/see").await;
    assert_eq!((see.status.as_u16(), see.header("location")), (303, Some("/elsewhere")));
    assert_eq!(see.header("x-fal-runner-health-check"), Some("true"));
    let temporary = client.post("/temporary", json!("https://a.example/b?c")).await;
    assert_eq!(
        (temporary.status.as_u16(), temporary.header("location")),
        (307, Some("https://a.example/b?c"))
    );
    assert_eq!(client.post("/temporary", json!("a\nb")).await.status, 500);
}

#[tokio::test]
async fn any_response_is_sent_as_it_is() {
    let answer = Client::of(Answering::new()).ask(Method::POST, "/response").await;
    assert_eq!(
        (answer.status.as_u16(), answer.text.as_str(), answer.header("x-own")),
        (418, "teapot", Some("yes"))
    );
}

#[tokio::test]
async fn a_status_without_a_body_takes_the_body_away() {
    let answer = Client::of(Answering::new()).ask(Method::POST, "/no-content").await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""));
    assert_eq!(answer.header("content-type"), None);
}

#[test]
fn the_document_tells_the_form_of_each() {
    let document = Answering::declaration().openapi();
    let responses = |path: &str| document["paths"][path]["post"]["responses"].clone();
    assert!(responses("/binary")["200"]["content"].get("application/octet-stream").is_some());
    assert!(responses("/file")["200"]["content"].get("application/octet-stream").is_some());
    let see = responses("/see");
    assert!(see.get("200").is_none());
    for status in ["303", "307", "308"] {
        assert!(see[status]["headers"].get("location").is_some(), "{status}");
    }
    assert!(responses("/response")["200"].get("content").is_none());
}
