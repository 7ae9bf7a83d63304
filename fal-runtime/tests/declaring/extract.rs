//! What an endpoint takes from the head of a request.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{Method, Request};
use axum::{Extension, Json};
use fal_runtime::extract::{
    Cookies, Deadline, FromRequestParts, HeaderMap, Headers, Path, Query, RequestContext,
};
use fal_runtime::prelude::*;
use serde_json::{Value, json};

use crate::client::{Answer, Client};

#[derive(Deserialize, JsonSchema)]
struct Page {
    /// Which page, from 0.
    page: u32,
    #[serde(default)]
    order: Option<Order>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Order {
    Rising,
    Falling,
}

#[derive(Deserialize, JsonSchema)]
#[expect(clippy::struct_field_names, reason = "non-standard headers begin with it")]
struct Caller {
    x_tenant: String,
    x_weight: Option<f64>,
    #[serde(default)]
    x_urgent: bool,
}

#[derive(Deserialize, JsonSchema)]
struct Session {
    visits: u32,
}

#[derive(Deserialize, JsonSchema)]
struct Place {
    shelf: u32,
    book: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Filter {
    tags: Vec<String>,
    #[serde(default)]
    sizes: Option<Vec<u8>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "never read")]
struct Closed {
    name: String,
    #[serde(flatten)]
    more: Named,
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "never read")]
struct Named {
    of: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(try_from = "u32")]
struct Even(u32);

impl TryFrom<u32> for Even {
    type Error = &'static str;

    fn try_from(number: u32) -> Result<Self, &'static str> {
        if number.is_multiple_of(2) { Ok(Self(number)) } else { Err("odd") }
    }
}

/// An extractor of the app's own, which the document knows nothing of.
struct Locale;

impl<S: Sync> FromRequestParts<S> for Locale {
    type Rejection = (StatusCode, &'static str);

    async fn from_request_parts(
        request: &mut axum::http::request::Parts,
        _: &S,
    ) -> Result<Self, Self::Rejection> {
        match request.headers.get("accept-language") {
            Some(_) => Ok(Self),
            None => Err((StatusCode::NOT_ACCEPTABLE, "no language")),
        }
    }
}

/// More than its path has, of which not even its schema tells.
#[derive(Deserialize, JsonSchema)]
struct Two(#[schemars(with = "Value")] (u32, u32));

/// One that speaks as the endpoints do, and in headers.
struct Token;

impl<S: Sync> FromRequestParts<S> for Token {
    type Rejection = (StatusCode, [(&'static str, &'static str); 2], Json<Value>);

    async fn from_request_parts(_: &mut axum::http::request::Parts, _: &S) -> Result<Self, Self::Rejection> {
        let headers = [("www-authenticate", "Bearer"), ("content-length", "7")];
        Err((StatusCode::UNAUTHORIZED, headers, Json(json!({ "detail": "no token" }))))
    }
}

#[derive(Default)]
struct Taking;

#[app(request_timeout = 30)]
impl Taking {
    #[endpoint("/query")]
    async fn query(&self, Query(page): Query<Page>) -> String {
        format!("{} {:?}", page.page, page.order)
    }

    #[endpoint("/nonzero/{id}")]
    async fn nonzero(&self, Path(id): Path<std::num::NonZeroU8>) -> u8 {
        id.get()
    }

    #[endpoint("/even/{id}")]
    async fn even(&self, Path(Even(id)): Path<Even>) -> u32 {
        id
    }

    #[endpoint("/evens/{first}/{second}")]
    async fn evens(&self, Path((first, second)): Path<(Even, Even)>) -> u32 {
        first.0 + second.0
    }

    #[endpoint("/list")]
    async fn list(&self, Query(filter): Query<Filter>) -> String {
        format!("{:?} {:?}", filter.tags, filter.sizes)
    }

    #[endpoint("/closed")]
    async fn closed(&self, _: Query<Closed>) {}

    #[endpoint("/map")]
    async fn map(&self, Query(all): Query<std::collections::BTreeMap<String, String>>) -> String {
        format!("{all:?}")
    }

    #[endpoint("/pairs")]
    async fn pairs(&self, Query(all): Query<Vec<(String, u8)>>) -> String {
        format!("{all:?}")
    }

    #[endpoint("/axums/{id}")]
    async fn axums(
        &self,
        axum::extract::Path(id): axum::extract::Path<u32>,
        axum::extract::Query(page): axum::extract::Query<Page>,
    ) -> String {
        format!("{id} {} {:?}", page.page, page.order)
    }

    #[endpoint("/path/{shelf}/{book}")]
    async fn path(&self, Path(place): Path<Place>) -> String {
        format!("{} {}", place.shelf, place.book)
    }

    #[endpoint("/tuple/{shelf}/{book}")]
    async fn tuple(&self, Path((number, is_book)): Path<(u32, bool)>) -> String {
        format!("{number} {is_book}")
    }

    #[endpoint("/one/{weight}")]
    async fn one(&self, Path(weight): Path<f32>) -> f32 {
        weight
    }

    #[endpoint("/unfit/{shelf}")]
    async fn unfit(&self, Path(Two((number, _))): Path<Two>) -> u32 {
        number
    }

    #[endpoint("/headers")]
    async fn headers(&self, Headers(caller): Headers<Caller>) -> String {
        format!("{} {:?} {}", caller.x_tenant, caller.x_weight, caller.x_urgent)
    }

    #[endpoint("/cookies")]
    async fn cookies(&self, Cookies(session): Cookies<Session>) -> u32 {
        session.visits
    }

    #[endpoint("/own")]
    async fn own(&self, _locale: Locale, headers: HeaderMap) -> usize {
        headers.len()
    }

    #[endpoint("/guarded")]
    async fn guarded(&self, _token: Token) {}

    #[endpoint("/extension")]
    async fn extension(&self, _missing: Extension<u8>) {}

    #[endpoint("/context/{id}")]
    fn context(
        &self,
        request: RequestContext,
        _id: Path<u32>,
        input: Vec<u8>,
    ) -> (String, String, Option<u64>, String, usize) {
        let deadline = request.deadline().map(|at| (at - Instant::now()).as_secs() / 10);
        let header = request.headers()["x-own"].to_str().unwrap().to_owned();
        (request.id().to_owned(), request.endpoint().to_owned(), deadline, header, input.len())
    }

    #[endpoint("/health", health_check = HealthCheck)]
    async fn health(&self, request: RequestContext) -> String {
        request.endpoint().to_owned()
    }
}

/// Posts without a body, with these headers.
pub(crate) async fn post(path: &str, headers: &[(&str, &str)]) -> Answer {
    let request =
        headers.iter().fold(Request::post(path), |request, (name, value)| request.header(*name, *value));
    Client::of(Taking).send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn parameters_are_taken_from_where_they_are() {
    assert_eq!(post("/query?page=2&order=falling", &[]).await.body(), "2 Some(Falling)");
    assert_eq!(post("/path/7/emma", &[]).await.body(), "7 emma");
    assert_eq!(post("/tuple/7/true", &[]).await.body(), "7 true");
    let caller = [("X-Tenant", "a"), ("x-weight", "0.5"), ("x-urgent", "true")];
    assert_eq!(post("/headers", &caller).await.body(), "a Some(0.5) true");
    assert_eq!(post("/headers", &caller[..1]).await.body(), "a None false");
    assert_eq!(post("/cookies", &[("cookie", "a=b; visits=3")]).await.body(), 3);
    assert_eq!(post("/own", &[("accept-language", "la")]).await.body(), 1);
}

#[tokio::test]
async fn a_query_that_repeats_a_name_has_a_list() {
    assert_eq!(post("/list?tags=a", &[]).await.body(), "[\"a\"] None");
    let repeated = post("/list?tags=a&sizes=1&tags=b%20c&other=x&other=y&sizes=2", &[]).await;
    assert_eq!(repeated.body(), "[\"a\", \"b c\"] Some([1, 2])");
    assert_eq!(post("/map?a=1&b=2", &[]).await.body(), "{\"a\": \"1\", \"b\": \"2\"}");
    assert_eq!(post("/pairs?a=1&b=2&a=3", &[]).await.body(), "[(\"a\", 1), (\"b\", 2), (\"a\", 3)]");
    let missing = post("/list?sizes=1", &[]).await;
    assert_eq!((missing.status.as_u16(), &missing.detail()[0]["loc"]), (422, &json!(["query", "tags"])));
    let wrong = post("/list?tags=a&sizes=1&sizes=x", &[]).await;
    let told = json!([{
        "type": "int_parsing", "loc": ["query", "sizes", 1], "input": "x",
        "msg": "Input should be a valid integer, unable to parse string as an integer",
    }]);
    assert_eq!(wrong.detail(), told);
}

#[tokio::test]
async fn an_unknown_field_is_reported_at_its_name() {
    assert_eq!(post("/closed?name=a&of=b", &[]).await.status, 200);
    let told = json!([{
        "type": "extra_forbidden", "loc": ["query", "nam"], "msg": "Extra inputs are not permitted", "input": "c",
    }]);
    assert_eq!(post("/closed?nam=c&name=a&of=b", &[]).await.detail(), told);
}

#[tokio::test]
async fn axums_extractors_are_taken_and_documented_like_those_of_fal_runtime() {
    assert_eq!(post("/axums/7?page=2&order=rising", &[]).await.body(), "7 2 Some(Rising)");
    for path in ["/axums/7?page=x", "/query?page=x"] {
        assert_eq!(post(path, &[]).await.detail()[0]["loc"], json!(["query", "page"]), "{path}");
    }
    assert_eq!(post("/axums/x?page=1", &[]).await.detail()[0]["loc"], json!(["path", "id"]));
    let document = Taking::declaration().openapi();
    let parameters = |path: &str| document["paths"][path]["post"]["parameters"].as_array().unwrap().clone();
    assert_eq!(parameters("/axums/{id}")[1..], parameters("/query"));
    assert_eq!(parameters("/axums/{id}")[0]["schema"]["type"], "integer");
}

#[tokio::test]
async fn the_context_of_a_request_is_known_to_every_kind_of_endpoint() {
    let request = |deadline: Option<Deadline>| {
        let mut request = Request::post("/context/7")
            .header("content-type", "application/json")
            .header("x-fal-request-id", "abc-1")
            .header("x-own", "yes")
            .body(Body::from("[1, 2]"))
            .unwrap();
        if let Some(deadline) = deadline {
            request.extensions_mut().insert(deadline);
        }
        request
    };
    let told = Client::of(Taking).send(request(None)).await.body();
    assert_eq!(told, json!(["abc-1", "/context/{id}", 2, "yes", 2]), "the app's request_timeout is 30 s");
    let sooner = Deadline(Instant::now() + Duration::from_secs(15));
    assert_eq!(Client::of(Taking).send(request(Some(sooner))).await.body()[2], 1);
    let later = Deadline(Instant::now() + Duration::from_secs(300));
    assert_eq!(Client::of(Taking).send(request(Some(later))).await.body()[2], 2);
    assert_eq!(Client::of(Taking).ask(Method::GET, "/health").await.body(), "/health");
}

#[test]
fn the_document_tells_what_is_taken() {
    let document = Taking::declaration().openapi();
    let parameters = |path: &str| {
        let operation = &document["paths"][path]["post"];
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let tell = |parameter: &Value| {
            let text = |key: &str| parameter[key].as_str().unwrap_or_default().to_owned();
            let kind = parameter["schema"]["type"].to_string().replace('"', "");
            format!("{} {} {kind} {}", text("in"), text("name"), parameter["required"])
        };
        parameters.iter().map(tell).collect::<Vec<_>>()
    };
    assert_eq!(parameters("/path/{shelf}/{book}"), ["path shelf integer true", "path book string true"]);
    assert_eq!(parameters("/tuple/{shelf}/{book}"), ["path shelf integer true", "path book boolean true"]);
    assert_eq!(parameters("/one/{weight}"), ["path weight number true"]);
    assert_eq!(parameters("/query")[0], "query page integer true");
    assert_eq!(document["paths"]["/query"]["post"]["parameters"][0]["description"], "Which page, from 0.");
    assert_eq!(document["paths"]["/query"]["post"]["parameters"][1]["required"], false);
    assert_eq!(
        parameters("/headers"),
        ["header x-tenant string true", "header x-weight number false", "header x-urgent boolean false"]
    );
    assert_eq!(parameters("/cookies"), ["cookie visits integer true"]);
    let undocumented = &document["paths"]["/own"]["post"]["x-fal-undocumented-arguments"];
    assert_eq!(undocumented, &json!(["Locale", "HeaderMap"]));
    assert!(document["paths"]["/context/{id}"]["post"].get("x-fal-undocumented-arguments").is_none());
    assert!(document["paths"]["/query"]["post"]["responses"].get("422").is_some());
    assert!(document["paths"]["/own"]["post"]["responses"].get("422").is_none());
}
