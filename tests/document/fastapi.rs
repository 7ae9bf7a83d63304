//! The same app in FastAPI: both answer the same requests alike, except for what the guide lists.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use fal_runtime::extract::{Cookies, Headers, Path as PathOf, Query};
use fal_runtime::prelude::*;
use serde_json::Value;

use crate::served::Served;

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its form counts")]
struct Order {
    name: String,
    count: u8,
    #[serde(default)]
    price: f64,
    #[serde(default)]
    is_paid: bool,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    lines: Vec<Line>,
    #[serde(default)]
    counts: BTreeMap<String, i64>,
    pair: Option<(i64, bool)>,
    #[serde(default)]
    size: Size,
    parent: Option<Box<Order>>,
    shape: Option<Shape>,
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its form counts")]
struct Line {
    item: String,
    #[serde(default)]
    amount: u8,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Size {
    #[default]
    Small,
    Large,
}

#[derive(Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[expect(dead_code, reason = "only its form counts")]
enum Shape {
    Circle { radius: u8 },
    Box { width: u8, height: u8 },
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its form counts")]
struct Closed {
    name: String,
    line: Option<Line>,
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its form counts")]
struct Search {
    text: String,
    limit: Option<u32>,
    #[serde(default)]
    is_deep: bool,
    #[serde(default)]
    tag: Vec<String>,
    #[serde(default)]
    size: Size,
    near: Option<f64>,
}

#[derive(Deserialize, JsonSchema)]
struct Caller {
    x_tenant: u32,
}

#[derive(Deserialize, JsonSchema)]
struct Session {
    visits: u32,
}

/// The app of `fastapi_app.py`.
#[derive(Default)]
struct Same;

#[app]
impl Same {
    #[endpoint("/order")]
    async fn order(&self, order: Order) -> String {
        order.name
    }

    #[endpoint("/optional")]
    async fn optional(&self, order: Option<Order>) -> bool {
        order.is_some()
    }

    #[endpoint("/closed")]
    async fn closed(&self, closed: Closed) -> String {
        closed.name
    }

    #[endpoint("/number")]
    async fn number(&self, number: u8) -> u8 {
        number
    }

    #[endpoint("/list")]
    async fn list(&self, numbers: Vec<u8>) -> usize {
        numbers.len()
    }

    #[endpoint("/items/{id}", method = GET)]
    async fn item(&self, PathOf(id): PathOf<u32>) -> u32 {
        id
    }

    #[endpoint("/pairs/{group}/{flag}", method = GET)]
    async fn pair(&self, PathOf((group, _)): PathOf<(String, bool)>) -> String {
        group
    }

    #[endpoint("/search", method = GET)]
    async fn search(&self, Query(search): Query<Search>) -> String {
        search.text
    }

    #[endpoint("/caller", method = GET)]
    async fn caller(&self, Headers(caller): Headers<Caller>) -> u32 {
        caller.x_tenant
    }

    #[endpoint("/session", method = GET)]
    async fn session(&self, Cookies(session): Cookies<Session>) -> u32 {
        session.visits
    }
}

/// The requests that are answered differently, as the page *Failures* says.
const DIFFERENCES: [&str; 18] = [
    // Types are not converted.
    "digits for an integer",
    "true for an integer",
    "true for a float",
    "yes for a boolean",
    "1 for a boolean",
    "7 for a boolean",
    // serde has no other message for a tuple.
    "a short tuple",
    "a long tuple",
    // serde does not say which variants there are.
    "an integer for a variant",
    // The location has the keys that the client sent, and no tags.
    "an error in a tagged struct",
    "a field is missing in a tagged struct",
    "an unknown tag",
    "no tag",
    // Other media types are 415.
    "text",
    "no media type",
    "a query parameter twice",
    // Of the parameters, the first error is told.
    "two errors in the query",
    // FastAPI redirects to the path without the slash.
    "a trailing slash",
];

#[test]
#[ignore = "needs FastAPI from PyPI on the path"]
fn the_same_app_in_fastapi_answers_alike() {
    let same = Served::app(Same);
    let mut python = Command::new("python");
    python.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("document/fastapi_app.py"));
    python.arg(format!("http://{}", same.address()));
    let ended = python.stderr(Stdio::inherit()).output().unwrap();
    assert!(ended.status.success(), "{python:?}: {}", ended.status);
    let printed = String::from_utf8(ended.stdout).unwrap();
    let lines: Vec<Value> = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [differing @ .., requests] = &lines[..] else { panic!("nothing is printed") };
    assert!(requests[1].as_u64() > Some(80), "{requests}");
    let names: Vec<_> = differing.iter().filter_map(|line| line[0].as_str()).collect();
    assert_eq!(names, DIFFERENCES, "{printed}");
}
