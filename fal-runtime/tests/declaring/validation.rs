//! Inputs whose types have rules of their own.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use axum::http::Method;
use fal_runtime::extract::{Cookies, Headers, Path, Query};
use fal_runtime::prelude::*;
use garde::Validate;
use serde_json::json;

use crate::client::Client;

#[derive(Deserialize, JsonSchema, Validate)]
struct Order {
    #[garde(length(chars, min = 3, max = 20))]
    name: String,
    #[garde(dive)]
    items: Vec<Item>,
}

#[derive(Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase")]
struct Address {
    #[garde(length(chars, min = 4))]
    postal_code: String,
}

#[derive(Deserialize, JsonSchema, Validate)]
struct Item {
    #[garde(range(min = 1, max = 10))]
    count: u32,
}

#[derive(Deserialize, JsonSchema, Validate)]
struct Page {
    #[garde(range(min = 1, max = 3))]
    n: u32,
    #[serde(default, rename = "sortedBy")]
    #[garde(inner(length(chars, min = 2)))]
    sorted_by: Vec<String>,
}

#[derive(Deserialize, JsonSchema, Validate)]
#[serde(transparent)]
#[garde(transparent)]
struct Id(#[garde(range(min = 10))] u32);

#[derive(Deserialize, JsonSchema, Validate)]
struct Place {
    #[garde(length(chars, max = 3))]
    shelf: String,
    #[garde(skip)]
    book: u32,
}

#[derive(Deserialize, JsonSchema, Validate)]
struct Caller {
    #[garde(length(chars, min = 3))]
    x_name: String,
    #[garde(required)]
    x_tenant: Option<String>,
}

#[derive(Deserialize, JsonSchema, Validate)]
struct Session {
    #[garde(ascii)]
    name: String,
}

/// Whose rule is one of both fields.
#[derive(Deserialize, JsonSchema, Validate)]
#[garde(custom(in_order))]
struct Range {
    #[garde(skip)]
    from: u32,
    #[garde(skip)]
    to: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "garde calls it so")]
fn in_order(range: &Range, &(): &()) -> garde::Result {
    if range.from <= range.to { Ok(()) } else { Err(garde::Error::new("it ends before it begins")) }
}

#[derive(Deserialize, JsonSchema, Validate)]
struct Numbered {
    #[garde(dive)]
    items: BTreeMap<usize, Item>,
}

/// What refuses itself as a whole, in words as serde's.
#[derive(Deserialize, JsonSchema)]
#[serde(try_from = "Range")]
struct Ordered {
    #[serde(rename = "from")]
    _from: u32,
}

impl TryFrom<Range> for Ordered {
    type Error = &'static str;

    fn try_from(range: Range) -> Result<Self, &'static str> {
        if range.from > range.to {
            Err("invalid length 2, expected an order")
        } else {
            Ok(Self { _from: range.from })
        }
    }
}

/// What derives no `Validate`.
#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "never read")]
struct Unchecked {
    inner: Vec<Note>,
    parent: Option<Box<Unchecked>>,
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "never read")]
struct Note {
    #[schemars(length(min = 1))]
    text: String,
}

/// What has no rules beyond what its types are.
#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "never read")]
struct Plain {
    narrow: (i8, u8, i16, u16, i32, u32),
    wide: (i64, u64, isize, usize, u128, i128, f64),
    nonzero: std::num::NonZeroU32,
    character: char,
    array: [i64; 3],
    map: std::collections::HashMap<u32, bool>,
    set: std::collections::BTreeSet<String>,
    address: std::net::IpAddr,
    time: std::time::Duration,
}

#[derive(Default)]
struct Promising;

#[app]
impl Promising {
    #[endpoint("/body")]
    async fn body(&self, _: Unchecked) {}

    #[endpoint("/page")]
    async fn page(&self, _: axum::extract::Query<Page>) {}

    #[endpoint("/limit")]
    async fn limit(&self, _: Query<Limit>) {}

    #[endpoint("/plain")]
    async fn plain(&self, _: Plain) {}

    #[endpoint("/checked")]
    async fn checked(&self, _: Order, _: Query<Page>) {}
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "never read")]
struct Limit {
    #[schemars(range(max = 100))]
    limit: u32,
}

#[derive(Default)]
pub(crate) struct Shop;

#[app]
impl Shop {
    #[endpoint("/")]
    async fn order(&self, order: Order) -> usize {
        order.name.len() + order.items.iter().map(|item| item.count as usize).sum::<usize>()
    }

    #[endpoint("/address")]
    async fn address(&self, address: Address) -> usize {
        address.postal_code.len()
    }

    #[endpoint("/query")]
    async fn query(&self, Query(page): Query<Page>) -> u32 {
        page.n
    }

    #[endpoint("/id/{id}")]
    fn id(&self, Path(Id(id)): Path<Id>) -> u32 {
        id
    }

    #[endpoint("/place/{shelf}/{book}")]
    async fn place(&self, Path(place): Path<Place>) -> String {
        format!("{} {}", place.shelf, place.book)
    }

    #[endpoint("/ordered")]
    async fn ordered(&self, _: Query<Ordered>) {}

    #[endpoint("/ordered/{from}/{to}")]
    async fn ordered_path(&self, _: Path<Ordered>) {}

    #[endpoint("/ranges/headers")]
    async fn range_of_headers(&self, _: Headers<Range>) {}

    #[endpoint("/ranges/cookies")]
    async fn range_of_cookies(&self, _: Cookies<Range>) {}

    #[endpoint("/ranges/{from}/{to}")]
    async fn range_of_path(&self, _: Path<Range>) {}

    #[endpoint("/numbered")]
    async fn numbered(&self, numbered: Numbered) -> usize {
        numbered.items.len()
    }

    #[endpoint("/headers")]
    async fn headers(&self, Headers(caller): Headers<Caller>) -> String {
        caller.x_name
    }

    #[endpoint("/cookies")]
    async fn cookies(&self, Cookies(session): Cookies<Session>) -> String {
        session.name
    }

    #[endpoint("/blocking")]
    fn order_blocking(&self, order: Order) -> usize {
        order.items.len()
    }
}

#[tokio::test]
async fn every_rule_that_is_broken_is_told_at_its_place() {
    let client = Client::of(Shop);
    let sound = json!({ "name": "ann", "items": [{ "count": 2 }] });
    assert_eq!(client.post("/", sound.clone()).await.body(), 5);
    assert_eq!(client.post("/blocking", sound).await.body(), 1);

    for path in ["/", "/blocking"] {
        let answer =
            client.post(path, json!({ "name": "al", "items": [{ "count": 1 }, { "count": 11 }] })).await;
        assert_eq!(answer.status, 422);
        let mut told = answer.detail();
        told.as_array_mut().unwrap().sort_by_key(|mistake| mistake["loc"].to_string());
        assert_eq!(
            told,
            json!([
                {
                    "type": "value_error",
                    "loc": ["body", "items", 1, "count"],
                    "msg": "Value error, greater than 10",
                    "input": 11,
                },
                { "type": "value_error", "loc": ["body", "name"], "msg": "Value error, length is lower than 3", "input": "al" },
            ])
        );
    }
}

#[tokio::test]
async fn a_broken_rule_is_told_at_the_name_that_the_client_knows() {
    let answer = Client::of(Shop).post("/address", json!({ "postalCode": "12" })).await;
    let mistake = &answer.detail()[0];
    assert_eq!((&mistake["loc"], &mistake["input"]), (&json!(["body", "postalCode"]), &json!("12")));
}

#[tokio::test]
async fn what_has_no_form_is_told_before_any_rule() {
    let answer = Client::of(Shop).post("/", json!({ "name": "al" })).await;
    assert_eq!(answer.detail()[0]["type"], "missing");
}

#[test]
fn rules_that_are_not_checked_are_reported_with_what_to_write() {
    let derive = |and| {
        format!(
            "derive `garde::Validate` (garde 0.23, fal-runtime's feature `garde`{and}), unless its `Deserialize` checks them"
        )
    };
    let (body, head) = (derive(""), derive(", an extractor of `fal_runtime::extract`"));
    let told = [
        format!(
            "`body` takes `Unchecked`, whose schema has rules (`minLength` of `text`) that fal-runtime does not check: {body}"
        ),
        format!(
            "`page` takes `axum::extract::Query<Page>`, whose schema has rules (`maximum` of `n`) that fal-runtime does not check: {head}"
        ),
        format!(
            "`limit` takes `Query<Limit>`, whose schema has rules (`maximum` of `limit`) that fal-runtime does not check: {head}"
        ),
    ];
    assert_eq!(Promising::declaration().unenforced_rules(), told.map(|told| format!("the endpoint {told}")));
    assert_eq!(Shop::declaration().unenforced_rules(), Vec::<String>::new());
}

/// Where a subscriber writes.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(text)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn rules_that_are_not_checked_are_logged_once_with_the_document() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
    let _default = tracing::subscriber::set_default(subscriber);
    let client = Client::of(Promising);
    for _ in 0..2 {
        assert_eq!(client.ask(Method::GET, "/openapi.json").await.status, 200);
    }
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert_eq!(log.matches("the endpoint `body` takes `Unchecked`").count(), 1, "{log}");
}

#[test]
fn the_rules_are_in_the_schema() {
    let document = Shop::declaration().openapi();
    let schemas = &document["components"]["schemas"];
    let name = &schemas["Order"]["properties"]["name"];
    assert_eq!((&name["minLength"], &name["maxLength"]), (&json!(3), &json!(20)));
    let count = &schemas["Item"]["properties"]["count"];
    assert_eq!((&count["minimum"], &count["maximum"]), (&json!(1), &json!(10)));
}
