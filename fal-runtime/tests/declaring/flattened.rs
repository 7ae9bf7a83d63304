//! Flattened fields of parameters, optional queries, and booleans (S95).

use axum::body::Body;
use axum::http::Request;
use fal_runtime::extract::{Cookies, Headers, Path, Query};
use fal_runtime::prelude::*;
use serde_json::{Value, json};

use crate::client::Client;

#[derive(Deserialize, Serialize, JsonSchema)]
struct Page {
    limit: Option<u32>,
    #[serde(default)]
    tag: Vec<String>,
    #[serde(default)]
    exact: bool,
    #[serde(default)]
    weight: f64,
}

#[derive(Deserialize, Serialize, JsonSchema)]
struct Search {
    text: String,
    #[serde(flatten)]
    page: Page,
}

#[derive(Deserialize, Serialize, JsonSchema)]
struct Trace {
    x_depth: u8,
    #[serde(default)]
    x_step: Vec<i64>,
}

#[derive(Deserialize, Serialize, JsonSchema)]
struct Caller {
    x_tenant: String,
    #[serde(flatten)]
    trace: Trace,
}

#[derive(Deserialize, Serialize, JsonSchema)]
struct Place {
    shelf: String,
    #[serde(flatten)]
    book: Book,
}

#[derive(Deserialize, Serialize, JsonSchema)]
struct Book {
    book: u32,
}

#[derive(Default)]
struct Library;

#[app]
impl Library {
    #[endpoint("/search", method = GET)]
    async fn search(&self, Query(search): Query<Search>) -> Search {
        search
    }

    #[endpoint("/maybe", method = GET)]
    async fn maybe(&self, Query(page): Query<Option<Page>>) -> Option<Page> {
        page
    }

    #[endpoint("/called", method = GET)]
    async fn called(&self, Headers(caller): Headers<Caller>) -> Caller {
        caller
    }

    #[endpoint("/visited", method = GET)]
    async fn visited(&self, Cookies(caller): Cookies<Caller>) -> Caller {
        caller
    }

    #[endpoint("/shelves/{shelf}/{book}", method = GET)]
    async fn place(&self, Path(place): Path<Place>) -> Place {
        place
    }

    #[endpoint("/flags/{flag}", method = GET)]
    async fn flag(&self, Path(flag): Path<bool>) -> bool {
        flag
    }
}

async fn get(path: &str, headers: &[(&str, &str)]) -> (u16, Value) {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = Client::of(Library).send(request.body(Body::empty()).unwrap()).await;
    let is_success = answer.status.is_success();
    (
        answer.status.as_u16(),
        if is_success { answer.body() } else { answer.detail().pointer("/0").cloned().unwrap() },
    )
}

#[tokio::test]
async fn flattened_numbers_lists_and_booleans_of_a_query_are_read_by_their_types_s95() {
    let all = json!({ "text": "7", "limit": 20, "tag": ["1", "b"], "exact": true, "weight": 1.5 });
    assert_eq!(get("/search?text=7&limit=20&tag=1&tag=b&exact=1&weight=1.5", &[]).await, (200, all));
    let least = json!({ "text": "a", "limit": null, "tag": [], "exact": false, "weight": 0.0 });
    assert_eq!(get("/search?text=a", &[]).await, (200, least));
    for (query, kind, field) in [
        ("text=a&limit=x", "int_parsing", "limit"),
        ("text=a&limit=-1", "greater_than_equal", "limit"),
        ("text=a&limit=4294967296", "less_than_equal", "limit"),
        ("text=a&exact=maybe", "bool_parsing", "exact"),
        ("text=a&limit=1&limit=2", "value_error", "limit"),
        ("limit=1", "missing", "text"),
    ] {
        let (status, error) = get(&format!("/search?{query}"), &[]).await;
        assert_eq!(
            (status, &error["type"], &error["loc"]),
            (422, &json!(kind), &json!(["query", field])),
            "{error}"
        );
    }
}

#[tokio::test]
async fn flattened_fields_of_headers_cookies_and_paths_are_read_by_their_types_s95() {
    let caller = json!({ "x_tenant": "t", "x_depth": 3, "x_step": [-1, 2] });
    let headers = [("x-tenant", "t"), ("x-depth", "3"), ("x-step", "-1"), ("x-step", "2")];
    assert_eq!(get("/called", &headers).await, (200, caller.clone()));
    let cookies = [("cookie", "x_tenant=t; x_depth=3; x_step=-1; x_step=2")];
    assert_eq!(get("/visited", &cookies).await, (200, caller));
    let (status, error) = get("/called", &[("x-tenant", "t"), ("x-depth", "300")]).await;
    assert_eq!((status, &error["loc"]), (422, &json!(["header", "x-depth"])), "{error}");
    assert_eq!(get("/shelves/9/7", &[]).await, (200, json!({ "shelf": "9", "book": 7 })));
    let (status, error) = get("/shelves/9/x", &[]).await;
    assert_eq!((status, &error["loc"]), (422, &json!(["path", "book"])), "{error}");
}

#[tokio::test]
async fn a_text_that_looks_like_a_number_stays_a_text_s95() {
    for text in ["7", "1e3", "true", "null"] {
        assert_eq!(get(&format!("/search?text={text}&tag={text}"), &[]).await.1["tag"], json!([text]));
        assert_eq!(get(&format!("/search?text={text}"), &[]).await.1["text"], text);
    }
}

#[tokio::test]
async fn an_optional_query_is_none_without_parameters_s95() {
    assert_eq!(get("/maybe", &[]).await, (200, Value::Null));
    assert_eq!(get("/maybe?limit=3", &[]).await.1["limit"], 3);
    assert_eq!(get("/maybe?limit=x", &[]).await.1["loc"], json!(["query", "limit"]));
}

#[tokio::test]
async fn booleans_are_written_as_fastapi_takes_them_s95() {
    for (words, flag) in [
        (["true", "True", "1", "on", "t", "YES", "y"], true),
        (["false", "FALSE", "0", "off", "f", "No", "n"], false),
    ] {
        for word in words {
            assert_eq!(get(&format!("/flags/{word}"), &[]).await, (200, json!(flag)), "{word}");
            assert_eq!(get(&format!("/search?text=a&exact={word}"), &[]).await.1["exact"], flag, "{word}");
        }
    }
    assert_eq!(get("/flags/2", &[]).await.1["type"], "bool_parsing");
}
