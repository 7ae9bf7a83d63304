//! Bodies of form data (S99).

use axum::body::Body;
use axum::http::Request;
use bytes::Bytes;
use fal_runtime::extract::Multipart;
use fal_runtime::prelude::*;
use futures_util::stream;
use serde_json::json;

use crate::client::{Answer, Client};

#[derive(Default)]
struct Images;

#[app]
impl Images {
    #[endpoint("/parts", body_limit = 1000)]
    async fn parts(&self, mut form: Multipart) -> Result<Vec<String>> {
        let mut parts = Vec::new();
        while let Some(part) = form.next_part().await? {
            let file = part.file_name().unwrap_or("no file").to_owned();
            let name = part.name().unwrap_or_default().to_owned();
            let kind = part.content_type().unwrap_or("no type").to_owned();
            parts.push(format!("{name}, {file}, {kind}: {}", part.text().await?));
        }
        Ok(parts)
    }

    #[endpoint("/first", body_limit = 100_000_000)]
    async fn first(&self, mut form: Multipart) -> Result<Option<String>> {
        let mut first = form.next_part().await?.context("no part")?;
        let chunk = first.chunk().await?;
        Ok(chunk.map(|chunk| String::from_utf8_lossy(&chunk).into_owned()))
    }
}

const FORM: &str = "--x\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\none\r\n--x\r\n\
    content-disposition: form-data; name=\"b\"; filename=\"../c.txt\"\r\ncontent-type: text/plain\r\n\r\ntwo\r\n--x--\r\n";

async fn send(path: &str, content_type: &str, body: Body) -> Answer {
    let request = Request::post(path).header("content-type", content_type);
    Client::of(Images).send(request.body(body).unwrap()).await
}

#[tokio::test]
async fn form_data_is_read_part_by_part_s99() {
    let answer = send("/parts", "Multipart/form-data; boundary=x", FORM.into()).await;
    assert_eq!(answer.body(), json!(["a, no file, no type: one", "b, ../c.txt, text/plain: two"]));
    // In pieces of one byte.
    let pieces = FORM.bytes().map(|byte| Ok::<_, std::io::Error>(Bytes::from(vec![byte])));
    let answer =
        send("/parts", "multipart/form-data; boundary=\"x\"", Body::from_stream(stream::iter(pieces))).await;
    assert_eq!(answer.body(), json!(["a, no file, no type: one", "b, ../c.txt, text/plain: two"]));
    let answer = send("/parts", "multipart/form-data; boundary=x", "--x--\r\n".into()).await;
    assert_eq!(answer.body(), json!([]));
}

#[tokio::test]
async fn form_data_that_is_malformed_or_too_large_is_the_clients_error_s99() {
    let form = "multipart/form-data; boundary=x";
    let large = FORM.replace("one", &"1".repeat(1000));
    let cut = FORM.split_at(100).0.to_owned();
    let chunks = |text: &str| {
        let chunk = Bytes::from(text.to_owned());
        Body::from_stream(stream::iter([Ok::<_, std::io::Error>(chunk)]))
    };
    for (content_type, body, status, detail) in [
        ("application/json", Body::from("{}"), 415, "multipart/form-data"),
        ("", FORM.into(), 415, "multipart/form-data"),
        ("multipart/form-data", FORM.into(), 400, "boundary"),
        (form, cut.into(), 400, "malformed"),
        (form, "hello".into(), 400, "malformed"),
        (form, Body::empty(), 400, "malformed"),
        (form, large.clone().into(), 413, "larger than 1000 bytes"),
        // Without an announced length.
        (form, chunks(&large), 413, "larger than 1000 bytes"),
    ] {
        let answer = send("/parts", content_type, body).await;
        assert_eq!(answer.status, status, "{content_type}: {}", answer.text);
        assert!(answer.text.contains(detail), "{content_type}: {}", answer.text);
    }
}

#[tokio::test]
async fn what_an_endpoint_leaves_of_its_form_is_discarded_s99() {
    let (mut sent, form) = (0, FORM.replace("two", &"2".repeat(1_000_000)));
    let read = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = std::sync::Arc::clone(&read);
    let pieces: Vec<_> = form.as_bytes().chunks(1000).map(|piece| Bytes::from(piece.to_vec())).collect();
    let pieces = pieces.into_iter().map(move |piece| {
        sent += piece.len();
        counter.store(sent, std::sync::atomic::Ordering::Relaxed);
        Ok::<_, std::io::Error>(piece)
    });
    let answer =
        send("/first", "multipart/form-data; boundary=x", Body::from_stream(stream::iter(pieces))).await;
    assert_eq!(answer.body(), json!("one"));
    assert_eq!(read.load(std::sync::atomic::Ordering::Relaxed), form.len());
}

#[test]
fn the_document_has_the_media_type_and_the_limit_of_form_data_s99() {
    let document = Images::declaration().openapi();
    let body = &document["paths"]["/parts"]["post"]["requestBody"];
    assert_eq!(body["x-fal-body-limit"], 1000);
    assert_eq!(body["required"], true);
    assert_eq!(
        body["content"],
        json!({ "multipart/form-data": { "schema": { "type": "object", "additionalProperties": { "type": "string", "format": "binary" } } } })
    );
}
