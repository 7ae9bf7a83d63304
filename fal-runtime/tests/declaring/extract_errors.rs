//! What a client reads of parameters that cannot be extracted.

use serde_json::{Value, json};

use crate::extract::post;

#[tokio::test]
async fn a_parameter_that_cannot_be_read_is_422_at_its_name() {
    let int = "Input should be a valid integer, unable to parse string as an integer";
    let number = "Input should be a valid number, unable to parse string as a number";
    let boolean = "Input should be a valid boolean, unable to interpret input";
    let cases = [
        (post("/query?page=x", &[]).await, "int_parsing", json!(["query", "page"]), int, json!("x")),
        (post("/query", &[]).await, "missing", json!(["query", "page"]), "Field required", Value::Null),
        (post("/path/x/emma", &[]).await, "int_parsing", json!(["path", "shelf"]), int, json!("x")),
        (post("/tuple/7/x", &[]).await, "bool_parsing", json!(["path", "book"]), boolean, json!("x")),
        (post("/one/x", &[]).await, "float_parsing", json!(["path", "weight"]), number, json!("x")),
        (
            post("/headers", &[]).await,
            "missing",
            json!(["header", "x-tenant"]),
            "Field required",
            Value::Null,
        ),
        (
            post("/headers", &[("x-tenant", "a"), ("x-weight", "much")]).await,
            "float_parsing",
            json!(["header", "x-weight"]),
            number,
            json!("much"),
        ),
        (
            post("/cookies", &[("cookie", "visits=x")]).await,
            "int_parsing",
            json!(["cookie", "visits"]),
            int,
            json!("x"),
        ),
    ];
    for (answer, kind, loc, msg, input) in cases {
        assert_eq!(answer.status, 422, "{answer:?}");
        assert_eq!(answer.detail(), json!([{ "type": kind, "loc": loc, "msg": msg, "input": input }]));
    }
    let variants = "'rising' or 'falling'";
    let order = json!([{
        "type": "enum", "loc": ["query", "order"], "msg": format!("Input should be {variants}"), "input": "up",
        "ctx": { "expected": variants },
    }]);
    assert_eq!(post("/query?page=1&order=up", &[]).await.detail(), order);
    let twice = json!([{
        "type": "value_error", "loc": ["query", "page"], "msg": "Value error, it is given more than once",
        "input": "1",
    }]);
    assert_eq!(post("/query?page=1&page=2", &[]).await.detail(), twice);
}

#[tokio::test]
async fn an_integer_out_of_range_is_told_with_the_end_of_its_type() {
    let (least, most) =
        ("Input should be greater than or equal to 0", "Input should be less than or equal to 4294967295");
    let below = |loc: Value| json!([{ "type": "greater_than_equal", "loc": loc, "msg": least, "input": "-1", "ctx": { "ge": 0 } }]);
    assert_eq!(post("/query?page=-1", &[]).await.detail(), below(json!(["query", "page"])));
    assert_eq!(post("/path/-1/emma", &[]).await.detail(), below(json!(["path", "shelf"])));
    assert_eq!(post("/tuple/-1/true", &[]).await.detail(), below(json!(["path", "shelf"])));
    assert_eq!(
        post("/cookies", &[("cookie", "visits=-1")]).await.detail(),
        below(json!(["cookie", "visits"]))
    );
    let huge = "9999999999999999999999999999999999999999999";
    for text in ["4294967296", huge] {
        let above = |loc: Value| json!([{ "type": "less_than_equal", "loc": loc, "msg": most, "input": text, "ctx": { "le": u32::MAX } }]);
        assert_eq!(post(&format!("/query?page={text}"), &[]).await.detail(), above(json!(["query", "page"])));
        assert_eq!(post(&format!("/path/{text}/emma"), &[]).await.detail(), above(json!(["path", "shelf"])));
    }
    // axum's Query does not say which type it is.
    let axums = json!([{
        "type": "value_error", "loc": ["query", "page"], "msg": "Value error, the integer is out of range",
        "input": "-1",
    }]);
    assert_eq!(post("/axums/7?page=-1", &[]).await.detail(), axums);
}

#[tokio::test]
async fn what_a_type_refuses_of_the_path_is_the_clients_mistake() {
    assert_eq!(post("/evens/2/4", &[]).await.body(), 6);
    let nonzero = json!([{
        "type": "greater_than_equal", "loc": ["path", "id"], "msg": "Input should be greater than or equal to 1",
        "input": "0", "ctx": { "ge": 1 },
    }]);
    assert_eq!(post("/nonzero/0", &[]).await.detail(), nonzero);
    let odd = |loc: Value, input: Value| json!([{ "type": "value_error", "loc": loc, "msg": "Value error, odd", "input": input }]);
    assert_eq!(post("/even/3", &[]).await.detail(), odd(json!(["path", "id"]), json!("3")));
    assert_eq!(post("/evens/2/3", &[]).await.detail(), odd(json!(["path", "second"]), json!("3")));
}

#[tokio::test]
async fn types_that_do_not_fit_their_path_are_no_mistake_of_the_client() {
    assert_eq!(post("/unfit/7", &[]).await.status, 500);
}

#[tokio::test]
async fn an_unknown_extractor_keeps_its_status_and_its_text() {
    let answer = post("/own", &[]).await;
    assert_eq!((answer.status.as_u16(), answer.detail()), (406, json!("no language")));
    let answer = post("/guarded", &[]).await;
    assert_eq!(
        (answer.status.as_u16(), answer.detail()),
        (401, json!("no token")),
        "it has the one form already"
    );
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "what it says in headers is kept");
    assert_eq!(answer.header("content-length"), None, "but not the headers of its own body");
    assert_eq!(answer.headers.get_all("content-type").iter().count(), 1);
}

#[tokio::test]
async fn an_extractor_that_fails_unexpectedly_keeps_its_text_to_the_log() {
    let answer = post("/extension", &[]).await;
    assert_eq!((answer.status.as_u16(), answer.detail()), (500, json!("Internal Server Error")));
}
