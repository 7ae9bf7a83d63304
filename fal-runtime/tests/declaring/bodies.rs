//! Bodies that are not JSON, and how bodies are encoded.

use std::convert::Infallible;

use axum::body::Body;
use axum::http::Request;
use fal_runtime::extract::{BodyStream, Bytes, Path, Text};
use fal_runtime::prelude::*;
use futures_util::{StreamExt, stream};
use serde_json::json;

use crate::client::{Answer, Client};

#[derive(Default)]
struct Store;

#[app(body_limit = 100)]
impl Store {
    #[endpoint("/bytes/{name}")]
    async fn bytes(&self, Path(name): Path<String>, bytes: Bytes) -> String {
        format!("{name}: {bytes:?}")
    }

    #[endpoint("/blocking")]
    fn blocking(&self, bytes: Bytes) -> usize {
        bytes.len()
    }

    #[endpoint("/text", method = PUT)]
    async fn text(&self, Text(text): Text) -> String {
        text
    }

    #[endpoint("/stream", body_limit = 10)]
    async fn stream(&self, mut body: BodyStream) -> Result<Vec<usize>> {
        let mut sizes = Vec::new();
        while let Some(chunk) = body.chunk().await? {
            sizes.push(chunk.len());
        }
        Ok(sizes)
    }

    #[endpoint("/first", body_limit = 1000)]
    async fn first(&self, mut body: BodyStream) -> Result<usize> {
        Ok(body.chunk().await?.map_or(0, |chunk| chunk.len()))
    }

    #[endpoint("/json")]
    async fn json(&self, value: Option<String>) -> Option<String> {
        value
    }
}

async fn send(method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Client::of(Store).send(request.body(body.into()).unwrap()).await
}

/// A body of these chunks, of unknown length.
fn chunks(chunks: &[&'static str]) -> Body {
    Body::from_stream(stream::iter(chunks.to_vec()).map(Ok::<_, Infallible>))
}

#[tokio::test]
async fn bytes_are_a_body_of_any_media_type() {
    let audio = send("POST", "/bytes/a", &[("content-type", "audio/wav")], vec![1_u8, 0, 255]).await;
    assert_eq!(audio.body(), "a: b\"\\x01\\0\\xff\"");
    assert_eq!(send("POST", "/bytes/b", &[], Body::empty()).await.body(), "b: b\"\"");
    assert_eq!(send("POST", "/blocking", &[], chunks(&["ab", "c"])).await.body(), 3);
}

#[tokio::test]
async fn a_text_is_a_body_of_a_text_type_in_utf_8() {
    let plain = ("content-type", "text/plain; charset=utf-8");
    assert_eq!(send("PUT", "/text", &[plain], "größe").await.body(), "größe");
    assert_eq!(send("PUT", "/text", &[("content-type", "TEXT/markdown")], "\u{feff}a").await.body(), "a");
    assert_eq!(send("PUT", "/text", &[], Body::empty()).await.body(), "");
    for headers in
        [&[("content-type", "application/json")][..], &[("content-type", "text/plain; charset=latin1")], &[]]
    {
        let answer = send("PUT", "/text", headers, "a").await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{headers:?}");
    }
    let invalid = send("PUT", "/text", &[plain], vec![b'a', 0xff]).await;
    assert_eq!(invalid.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_stream_is_read_in_chunks_up_to_its_limit() {
    assert_eq!(send("POST", "/stream", &[], chunks(&["abc", "de", ""])).await.body(), json!([3, 2]));
    assert_eq!(send("POST", "/stream", &[], chunks(&["12345", "67890"])).await.body(), json!([5, 5]));
    let large = send("POST", "/stream", &[], chunks(&["12345", "678901"])).await;
    assert_eq!((large.status.as_u16(), large.detail()), (413, json!("the body is larger than 10 bytes")));
    let announced = send("POST", "/stream", &[("content-length", "11")], "12345678901").await;
    assert_eq!(announced.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn the_rest_of_a_stream_is_read_after_the_call() {
    let (sender, receiver) = tokio::sync::mpsc::channel::<&'static str>(1);
    let body = Body::from_stream(stream::unfold(receiver, |mut receiver| async {
        Some((Ok::<_, Infallible>(receiver.recv().await?), receiver))
    }));
    let sent = tokio::spawn(async move {
        for _ in 0..20 {
            sender.send("12345").await.unwrap();
        }
    });
    assert_eq!(send("POST", "/first", &[], body).await.body(), 5);
    // Every part was read, or a send would have failed.
    sent.await.unwrap();
}

#[tokio::test]
async fn every_kind_of_body_has_its_limit() {
    let long = "a".repeat(101);
    for (method, path, media_type) in [
        ("POST", "/bytes/a", "audio/wav"),
        ("POST", "/blocking", "audio/wav"),
        ("PUT", "/text", "text/plain"),
    ] {
        let answer = send(method, path, &[("content-type", media_type)], long.clone()).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
    }
}

#[tokio::test]
async fn a_byte_order_mark_is_accepted_and_utf_16_is_415() {
    let json = ("content-type", "application/json");
    assert_eq!(send("POST", "/json", &[json], "\u{feff}\"a\"").await.body(), "a");
    let little_endian: Vec<u8> = "\"a\"".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big_endian: Vec<u8> = "\"a\"".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let with_mark = [&[0xff, 0xfe][..], &little_endian].concat();
    let utf_32: Vec<u8> = "\"a\"".chars().flat_map(|letter| u32::from(letter).to_le_bytes()).collect();
    for body in [little_endian, big_endian, with_mark, utf_32] {
        let answer = send("POST", "/json", &[json], body.clone()).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{body:?}");
    }
    let declared =
        send("POST", "/json", &[("content-type", "application/json; charset=\"UTF-16\"")], "\"a\"").await;
    assert_eq!(declared.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn a_content_coding_without_a_layer_is_415() {
    for (method, path, media_type) in [
        ("POST", "/json", "application/json"),
        ("POST", "/bytes/a", "audio/wav"),
        ("POST", "/stream", "audio/wav"),
        ("PUT", "/text", "text/plain"),
    ] {
        let headers = [("content-type", media_type), ("content-encoding", "gzip")];
        let answer = send(method, path, &headers, "\"a\"").await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{path}");
        assert_eq!(answer.header("accept-encoding"), Some("identity"));
        assert!(answer.detail().as_str().unwrap().contains("`gzip`"));
    }
    let headers = [("content-type", "application/json"), ("content-encoding", "identity")];
    assert_eq!(send("POST", "/json", &headers, "\"a\"").await.body(), "a");
}

#[tokio::test]
async fn an_empty_body_of_chunks_is_no_body() {
    assert_eq!(send("POST", "/json", &[], chunks(&[""])).await.body(), json!(null));
    assert_eq!(
        send("POST", "/json", &[("content-type", "application/json")], chunks(&[])).await.body(),
        json!(null)
    );
    let no_type = send("POST", "/json", &[], chunks(&["\"a\""])).await;
    assert_eq!(no_type.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[test]
fn the_document_has_the_media_type_and_the_limit_of_each_body() {
    let document = Store::declaration().openapi();
    let body = |path: &str, method: &str| document["paths"][path][method]["requestBody"].clone();
    let bytes = body("/bytes/{name}", "post");
    assert_eq!(
        bytes["content"]["application/octet-stream"]["schema"],
        json!({ "type": "string", "format": "binary" })
    );
    assert_eq!((&bytes["required"], &bytes["x-fal-body-limit"]), (&json!(false), &json!(100)));
    assert_eq!(body("/text", "put")["content"]["text/plain"]["schema"], json!({ "type": "string" }));
    assert_eq!(body("/stream", "post")["x-fal-body-limit"], 10);
    let responses = &document["paths"]["/bytes/{name}"]["post"]["responses"];
    assert!(responses.get("413").is_some() && responses.get("415").is_some());
}
