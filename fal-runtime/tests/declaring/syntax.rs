//! Declarations with less frequent Rust syntax: raw identifiers, and blocks that a macro writes.

use axum::http::Method;
use fal_runtime::extract::{Path, Query};
use fal_runtime::prelude::*;
use serde_json::json;

use crate::client::Client;

mod raw {
    use super::*;

    #[derive(Deserialize, JsonSchema)]
    pub(super) struct Kind {
        r#type: String,
    }

    #[derive(Default)]
    #[expect(non_camel_case_types, reason = "a raw identifier is to be tried")]
    pub(super) struct r#try;

    #[app]
    impl r#try {
        #[endpoint("/match/{type}")]
        async fn r#match(&self, Path(kind): Path<Kind>, r#where: Query<Kind>) -> String {
            kind.r#type + &r#where.0.r#type
        }

        fn r#teardown(self) {}
    }
}

#[tokio::test]
async fn a_raw_identifier_is_named_without_its_prefix() {
    let client = Client::of(raw::r#try);
    let answer = client.ask(Method::POST, "/match/one?type=two").await;
    assert_eq!(answer.body(), json!("onetwo"));
    let declaration = <raw::r#try as fal_runtime::App>::declaration();
    assert_eq!(declaration.endpoints()[0].name(), "match");
    let document = declaration.openapi();
    assert_eq!(document["info"]["title"], "try");
    assert_eq!(document["paths"]["/match/{type}"]["post"]["operationId"], "match");
}

const CHECK: HealthCheck = HealthCheck::new().timeout_seconds(7);

macro_rules! app {
    ($app:ty, $path:literal, $number:ty, $events:ty, $borrowed:ty, $check:expr) => {
        #[app]
        impl $app {
            #[endpoint($path)]
            async fn sum(&self, Path(first): Path<$number>, second: $number) -> $number {
                first + second
            }

            #[endpoint("/events")]
            async fn events(&self, events: &mut $events) -> Result<()> {
                events.send(1).await
            }

            #[endpoint("/borrowed")]
            async fn borrowed(&self, events: $borrowed) -> Result<()> {
                events.send(2).await
            }

            #[endpoint("/health", health_check = $check)]
            async fn health(&self) {}
        }
    };
}

mod written {
    #[derive(Default)]
    pub(super) struct Written;
}

app!(written::Written, "/sum/{first}", u32, Events<u32>, &mut Events<u32>, CHECK);

#[tokio::test]
async fn a_macro_may_write_the_types_of_a_declaration() {
    let client = Client::of(written::Written);
    assert_eq!(client.post("/sum/3", json!(4)).await.body(), json!(7));
    assert_eq!(client.ask(Method::POST, "/events").await.text, "data: 1\n\n");
    assert_eq!(client.ask(Method::POST, "/borrowed").await.text, "data: 2\n\n");
    assert_eq!(written::Written::health_check().unwrap().config, CHECK);
}

mod conditional {
    use super::*;

    #[derive(Deserialize, JsonSchema)]
    pub(super) struct Page {
        start: u32,
    }

    #[derive(Default)]
    pub(super) struct Conditional;

    #[app]
    impl Conditional {
        #[cfg_attr(test, endpoint("/tested"))]
        #[cfg_attr(not(test), endpoint("/not-tested"))]
        async fn alternative(&self) -> u32 {
            1
        }

        #[cfg_attr(not(test), endpoint("/never"))]
        #[expect(dead_code, reason = "it is no endpoint in a test")]
        async fn never(&self) {}

        #[endpoint("/arguments")]
        async fn arguments(
            &self,
            #[cfg(not(test))] missing: Missing,
            #[cfg(test)] Query(page): Query<Page>,
            #[cfg(test)] response: &mut ResponseHead,
            #[cfg(test)] input: u32,
        ) -> u32 {
            response.set_status(StatusCode::CREATED);
            page.start + input
        }

        #[endpoint("/blocking")]
        fn blocking(&self, #[cfg(not(test))] response: &mut ResponseHead, #[cfg(test)] input: u32) -> u32 {
            input
        }
    }
}

#[tokio::test]
async fn a_cfg_decides_about_an_argument() {
    let client = Client::of(conditional::Conditional);
    let answer = client.post("/arguments?start=3", json!(4)).await;
    assert_eq!((answer.status.as_u16(), answer.body()), (201, json!(7)));
    assert_eq!(client.post("/blocking", json!(5)).await.body(), json!(5));
}

#[tokio::test]
async fn a_cfg_attr_decides_about_an_endpoint() {
    let client = Client::of(conditional::Conditional);
    assert_eq!(client.ask(Method::POST, "/tested").await.body(), json!(1));
    let paths = <conditional::Conditional as fal_runtime::App>::declaration().openapi()["paths"].clone();
    let paths: Vec<_> = paths.as_object().unwrap().keys().cloned().collect();
    assert_eq!(paths, ["/tested", "/arguments", "/blocking", "/health"]);
}

/// Has docs of each kind.
#[app]
#[doc = concat!("Written by ", "a macro.")]
#[derive(Default)]
struct Documented;

#[endpoints]
impl Documented {
    #[doc = include_str!("summary.md")]
    #[endpoint("/file")]
    async fn file(&self) {}

    /// Adds.
    ///
    #[cfg_attr(test, doc = "In a test.")]
    #[cfg_attr(not(test), doc = "Outside of a test.")]
    #[endpoint("/condition")]
    async fn condition(&self) {}

    /**
     * Adds
     * numbers.
     *
     *     code
     */
    #[endpoint("/block")]
    async fn block(&self) {}
}

#[test]
fn a_doc_comment_of_any_form_is_in_the_document() {
    let document = <Documented as fal_runtime::App>::declaration().openapi();
    assert_eq!(document["info"]["description"], "Has docs of each kind.\nWritten by a macro.");
    let texts = |path: &str| {
        let operation = &document["paths"][path]["post"];
        [operation["summary"].clone(), operation["description"].clone()]
    };
    assert_eq!(texts("/file"), ["Counts words.", "It reads a file."]);
    assert_eq!(texts("/condition"), ["Adds.", "In a test."]);
    assert_eq!(texts("/block"), ["Adds\nnumbers.", "code"]);
}

#[derive(Default)]
struct Ambiguous;

#[app]
impl Ambiguous {
    #[cfg_attr(all(), endpoint("/one"))]
    #[cfg_attr(not(any()), endpoint("/two"))]
    async fn ambiguous(&self) {}
}

#[test]
fn a_method_that_two_cfg_attrs_declare_is_a_problem() {
    let expected =
        "`ambiguous` is the endpoint of \"/one\" and of \"/two\": both of its `cfg_attr` hold, leave one";
    assert_eq!(Ambiguous::declaration().problems(), [expected]);
}
