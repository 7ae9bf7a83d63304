//! What endpoints take that no request can be read as: an app that declares it does not start.

use std::collections::HashMap;

use fal_runtime::declaration::Declaration;
use fal_runtime::extract::{Cookies, Headers, Path, Query};
use fal_runtime::prelude::*;
use fal_runtime::router;
use fal_runtime::testing::TestApp;

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "never read")]
struct Order {
    user: u32,
    ordr: u32,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "never read")]
struct User {
    user: u32,
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "never read")]
struct Id(u32);

type Two = (u32, u32);

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "never read")]
struct Pair(String, String);

#[derive(Default)]
struct Misfits;

#[app]
impl Misfits {
    #[endpoint("/orders/{user}/{order}")]
    async fn orders(&self, _: Path<Order>) {}

    #[endpoint("/users/{user}/{order}")]
    async fn users(&self, _: Path<User>) {}

    #[endpoint("/ids/{user}/{order}/{item}")]
    async fn ids(&self, Path(Id(_)): Path<Id>) {}

    #[endpoint("/twice/{id}")]
    async fn twice(&self, _: Path<Two>) {}

    #[endpoint("/number")]
    async fn number(&self, _: Query<u32>) {}

    #[endpoint("/list")]
    async fn list(&self, _: axum::extract::Query<Vec<String>>) {}

    #[endpoint("/header")]
    async fn header(&self, _: Headers<String>) {}

    #[endpoint("/cookie")]
    async fn cookie(&self, _: Cookies<Id>) {}
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "never read")]
struct Lenient {
    user: u32,
    #[serde(default)]
    more: Option<u32>,
}

#[derive(Default)]
struct Fits;

#[app]
impl Fits {
    #[endpoint("/{user}/{order}")]
    async fn fewer(&self, _: Path<Lenient>) {}

    #[endpoint("/all/{user}/{order}")]
    async fn all(&self, _: Path<HashMap<String, String>>) {}

    #[endpoint("/map")]
    async fn map(&self, _: Query<HashMap<String, String>>, _: Query<Vec<(String, String)>>) {}

    #[endpoint("/pairs")]
    async fn pairs(&self, _: Query<Vec<Pair>>, _: Query<Vec<[String; 2]>>) {}

    #[endpoint("/id/{id}")]
    async fn id(&self, _: Path<Id>) {}
}

fn invalid_extractors(app: &Declaration) -> Vec<String> {
    app.problems()
}

#[test]
fn a_type_that_no_request_can_be_read_as_is_a_problem_of_the_declaration() {
    let names = "write a struct that derives `Deserialize` and `JsonSchema`, with a field for each";
    let as_many = "write a tuple of as many, or a struct with a field for each";
    assert_eq!(
        invalid_extractors(Misfits::declaration()),
        [
            "the endpoint `orders` takes `ordr` from its path, which has `user` and `order`: name the field as the \
             parameter"
                .to_owned(),
            "the endpoint `users` takes no `order` from its path, which has `user` and `order`: write a field for each \
             parameter"
                .to_owned(),
            format!(
                "the endpoint `ids` takes one value from its path, which has `user`, `order` and `item`: {as_many}"
            ),
            format!("the endpoint `twice` takes 2 values from its path, which has `id`: {as_many}"),
            format!("the endpoint `number` takes `Query<u32>`, but a query has names: {names}"),
            format!(
                "the endpoint `list` takes `axum::extract::Query<Vec<String>>`, but a query has names: {names}"
            ),
            format!("the endpoint `header` takes `Headers<String>`, but headers have names: {names}"),
            format!("the endpoint `cookie` takes `Cookies<Id>`, but cookies have names: {names}"),
        ]
    );
    assert_eq!(invalid_extractors(Fits::declaration()), Vec::<String>::new());
}

#[test]
fn an_app_with_such_a_type_is_neither_tested_nor_a_router() {
    let text = "`ordr` from its path";
    for started in [TestApp::<Misfits>::start().wait(), TestApp::of(Misfits)] {
        assert!(started.unwrap_err().to_string().contains(text));
    }
    let panic = std::panic::catch_unwind(|| router(Misfits)).unwrap_err();
    assert!(panic.downcast_ref::<String>().unwrap().contains(text));
    assert!(TestApp::of(Fits).is_ok());
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "never read")]
struct Nested {
    text: String,
    page: Option<Inner>,
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "never read")]
struct Inner {
    limit: u32,
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "never read")]
struct Grid {
    rows: Vec<Vec<u32>>,
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "never read")]
struct Parts {
    parts: Vec<String>,
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "never read")]
struct Rest {
    x_tenant: String,
    #[serde(flatten)]
    rest: HashMap<String, String>,
}

#[derive(Default)]
struct Unreadable;

#[app]
impl Unreadable {
    #[endpoint("/nested")]
    async fn nested(&self, _: Query<Nested>) {}

    #[endpoint("/grid")]
    async fn grid(&self, _: Query<Grid>) {}

    #[endpoint("/parts/{parts}")]
    async fn parts(&self, _: Path<Parts>) {}

    #[endpoint("/pair/{one}/{other}")]
    async fn pair(&self, _: Path<(u32, Vec<u32>)>) {}

    #[endpoint("/map")]
    async fn map(&self, _: Headers<HashMap<String, String>>) {}

    #[endpoint("/rest")]
    async fn rest(&self, _: Cookies<Rest>) {}

    #[endpoint("/maybe")]
    async fn maybe(&self, _: Headers<Option<Inner>>) {}

    #[endpoint("/number")]
    async fn number(&self, _: Query<Option<u32>>) {}
}

#[test]
fn fields_that_no_text_can_be_are_problems_at_any_depth_s95() {
    let problems = Unreadable::declaration().problems();
    let expected = [
        ("nested", "no text can be its field `page`"),
        ("grid", "no text can be its field `rows`"),
        ("parts", "no text can be its field `parts`"),
        ("pair", "no text can be one of its values"),
        ("map", "but headers have names"),
        ("rest", "but cookies have names"),
        ("maybe", "but headers have names"),
        ("number", "but a query has names"),
    ];
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (problem, (name, why)) in problems.iter().zip(expected) {
        assert!(problem.contains(&format!("`{name}`")) && problem.contains(why), "{problem}");
    }
}
