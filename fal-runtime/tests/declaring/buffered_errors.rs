//! Errors inside of what serde buffers: internally tagged, adjacently tagged and flattened types (S98).

use std::collections::BTreeMap;

use fal_runtime::prelude::*;
use serde_json::{Value, json};

use crate::client::Client;

#[derive(Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[expect(dead_code, reason = "never read")]
enum Shape {
    Circle {
        radius: u8,
        #[serde(default)]
        center: Option<Point>,
    },
    Line(Line),
    Group {
        shapes: Vec<Shape>,
        #[serde(default)]
        names: BTreeMap<String, bool>,
    },
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "never read")]
struct Line {
    points: Vec<Point>,
    #[serde(default)]
    color: Color,
    #[serde(default)]
    width: f32,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "never read")]
struct Point {
    x: i8,
    y: i8,
}

#[derive(Default, Deserialize, JsonSchema)]
enum Color {
    /// The default.
    #[default]
    Black,
    White,
}

#[derive(Deserialize, JsonSchema)]
#[serde(tag = "type", content = "of")]
#[expect(dead_code, reason = "never read")]
enum Message {
    Text(String),
    Shape(Shape),
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "never read")]
struct Search {
    text: String,
    #[serde(flatten)]
    page: Page,
    #[serde(flatten)]
    shape: Shape,
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "never read")]
struct Page {
    limit: u32,
    #[serde(default)]
    sorted_by: Vec<String>,
}

#[derive(Default)]
struct Drawing;

#[app]
impl Drawing {
    #[endpoint("/shape")]
    async fn shape(&self, _shape: Shape) {}

    #[endpoint("/message")]
    async fn message(&self, _message: Message) {}

    #[endpoint("/search")]
    async fn search(&self, _search: Search) {}

    #[endpoint("/list")]
    async fn list(&self, _list: Vec<Option<Shape>>) {}
}

/// The errors of a body, as `type at loc`.
async fn errors(path: &str, body: Value) -> Vec<String> {
    let answer = Client::of(Drawing).post(path, body).await;
    assert_eq!(answer.status, 422, "{}", answer.text);
    let text = |step: &Value| step.as_str().map_or_else(|| step.to_string(), str::to_owned);
    let describe = |error: &Value| {
        let loc: Vec<_> = error["loc"].as_array().unwrap().iter().map(text).collect();
        format!("{} at {}", error["type"].as_str().unwrap(), loc.join("."))
    };
    answer.detail().as_array().unwrap().iter().map(describe).collect()
}

#[tokio::test]
async fn an_error_in_what_serde_buffers_has_its_place_s98() {
    let circle = |radius: Value| json!({ "kind": "circle", "radius": radius });
    for (path, body, expected) in [
        ("/shape", circle("x".into()), "int_parsing at body.radius"),
        ("/shape", circle(300.into()), "less_than_equal at body.radius"),
        ("/shape", circle(1.5.into()), "int_from_float at body.radius"),
        ("/shape", circle(Value::Null), "int_type at body.radius"),
        ("/shape", json!({ "kind": "circle" }), "missing at body.radius"),
        (
            "/shape",
            json!({ "kind": "circle", "radius": 1, "center": { "x": 1 } }),
            "missing at body.center.y",
        ),
        (
            "/shape",
            json!({ "kind": "line", "points": [{ "x": 1, "y": 2 }, { "x": 1, "y": true }] }),
            "int_type at body.points.1.y",
        ),
        ("/shape", json!({ "kind": "line", "points": 7 }), "list_type at body.points"),
        ("/shape", json!({ "kind": "line", "points": [7] }), "model_attributes_type at body.points.0"),
        (
            "/shape",
            json!({ "kind": "line", "points": [{ "x": 1, "y": 2, "z": 3 }] }),
            "extra_forbidden at body.points.0.z",
        ),
        ("/shape", json!({ "kind": "line", "points": [], "color": "red" }), "enum at body.color"),
        ("/shape", json!({ "kind": "line", "points": [], "width": "1" }), "float_parsing at body.width"),
        (
            "/shape",
            json!({ "kind": "group", "shapes": [circle(1.into()), circle("x".into())] }),
            "int_parsing at body.shapes.1.radius",
        ),
        (
            "/shape",
            json!({ "kind": "group", "shapes": [], "names": { "a": true, "b": 1 } }),
            "bool_type at body.names.b",
        ),
        ("/message", json!({ "of": circle("x".into()), "type": "Shape" }), "int_parsing at body.of.radius"),
        ("/message", json!({ "type": "Shape", "of": circle("x".into()) }), "int_parsing at body.of.radius"),
        (
            "/search",
            json!({ "text": "a", "limit": -1, "kind": "line", "points": [] }),
            "greater_than_equal at body.limit",
        ),
        (
            "/search",
            json!({ "text": "a", "limit": 1, "sorted_by": [1], "kind": "line", "points": [] }),
            "string_type at body.sorted_by.0",
        ),
        ("/list", json!([null, circle(1.into()), circle("x".into())]), "int_parsing at body.2.radius"),
    ] {
        assert_eq!(errors(path, body.clone()).await, [expected], "{body}");
    }
}

#[tokio::test]
async fn all_errors_in_what_serde_buffers_are_listed_s98() {
    let body =
        json!({ "kind": "line", "points": [{ "x": "a", "y": 1 }, { "x": 1, "y": 1000 }], "color": "red" });
    let expected =
        ["int_parsing at body.points.0.x", "less_than_equal at body.points.1.y", "enum at body.color"];
    assert_eq!(errors("/shape", body).await, expected);
}

#[tokio::test]
async fn a_large_body_is_not_searched_for_the_place_of_its_error_s98() {
    let shapes =
        |count| json!({ "kind": "group", "shapes": vec![json!({ "kind": "circle", "radius": "x" }); count] });
    assert_eq!(errors("/shape", shapes(700)).await, ["int_parsing at body.shapes.0.radius"]);
    assert_eq!(errors("/shape", shapes(1_100)).await, ["int_type at body"]);
}

#[tokio::test]
async fn an_error_of_the_tag_is_at_the_tag_s98() {
    assert_eq!(errors("/shape", json!({ "kind": "oval", "radius": "x" })).await, ["enum at body.kind"]);
    assert_eq!(errors("/shape", json!({ "radius": "x" })).await, ["missing at body.kind"]);
    assert_eq!(errors("/shape", json!("x")).await.len(), 1);
}
