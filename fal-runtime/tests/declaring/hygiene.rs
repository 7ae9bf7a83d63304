//! What the macros write depends on nothing that stands around it.

use axum::http::Method;
use fal_runtime::App;
use serde_json::json;

use crate::client::Client;

/// No prelude, no imports but the attributes, and names that elsewhere mean something else.
#[expect(dead_code, reason = "names to stumble over")]
mod bare {
    #![no_implicit_prelude]

    use ::fal_runtime::{ApiError, Events, HealthCheck, app, endpoint};

    pub(crate) struct Result(u32);
    pub(crate) struct Option;
    pub(crate) struct Box;
    pub(crate) struct Call;
    pub(crate) mod std {}
    pub(crate) mod core {}
    pub(crate) mod fal_runtime {}

    impl ::serde::Serialize for Result {
        fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> ::std::result::Result<S::Ok, S::Error> {
            serializer.serialize_u32(self.0)
        }
    }

    impl ::schemars::JsonSchema for Result {
        fn schema_name() -> ::std::borrow::Cow<'static, str> {
            ::std::convert::Into::into("Result")
        }

        fn json_schema(generator: &mut ::schemars::SchemaGenerator) -> ::schemars::Schema {
            <u32 as ::schemars::JsonSchema>::json_schema(generator)
        }
    }

    #[derive(ApiError)]
    pub(crate) enum Failed {
        #[api(status = 404, detail = "there is no {0}")]
        Missing(u32),
        #[api(status = 503, detail = "later", log = "lost by {by}")]
        Lost {
            by: u32,
            #[source]
            error: ::std::io::Error,
        },
        #[api(transparent)]
        Other(#[from] ::fal_runtime::Error),
    }

    pub(crate) struct Stumbling;

    #[app(max_multiplexing = 2)]
    impl Stumbling {
        async fn setup() -> Self {
            Self
        }

        fn handle_exit(&self) {}

        async fn teardown(self) -> ::fal_runtime::Result<()> {
            ::std::result::Result::Ok(())
        }

        #[endpoint("/")]
        async fn own(&self, call: u32, response: &mut ::fal_runtime::ResponseHead) -> Result {
            response.set_status(::fal_runtime::StatusCode::CREATED);
            Result(call)
        }

        #[endpoint("/blocking")]
        fn blocking(&self, app: u32) -> ::fal_runtime::Result<u32> {
            ::std::result::Result::Ok(app)
        }

        #[endpoint("/own-error/{answer}")]
        async fn own_error(&self, answer: ::axum::extract::Path<u32>) -> ::std::result::Result<u32, Failed> {
            ::std::result::Result::Err(Failed::Missing(answer.0))
        }

        #[endpoint("/events")]
        async fn events(&self, events: &mut Events<u32>) -> ::fal_runtime::Result<()> {
            events.send(1).await
        }

        #[endpoint("/health", health_check = HealthCheck(timeout_seconds = 9))]
        async fn health(&self) {}
    }
}

mod renamed {
    use ::fal_runtime as other;
    use ::fal_runtime::prelude::*;

    #[derive(Default)]
    pub(crate) struct Renamed;

    #[app(crate = other)]
    impl Renamed {
        #[endpoint("/")]
        async fn nothing(&self) {}
    }

    #[endpoints(crate = self::other)]
    impl Renamed {
        #[endpoint("/more")]
        async fn more(&self) {}
    }
}

mod conditional {
    use ::fal_runtime::prelude::*;

    #[derive(Default)]
    pub(crate) struct Conditional;

    #[app]
    impl Conditional {
        #[cfg(not(test))]
        #[endpoint("/", health_check = HealthCheck(timeout_seconds = 1))]
        async fn health(&self, missing: Missing) {}

        #[cfg(test)]
        #[endpoint("/", health_check = HealthCheck(timeout_seconds = 2))]
        async fn health(&self) {}
    }
}

#[tokio::test]
async fn an_app_needs_no_prelude_and_minds_no_names() {
    let client = Client::of(bare::Stumbling);
    let answer = client.post("/", json!(7)).await;
    assert_eq!((answer.status.as_u16(), answer.body()), (201, json!(7)));
    assert_eq!(client.post("/blocking", json!(8)).await.body(), json!(8));
    let answer = client.ask(Method::POST, "/own-error/9").await;
    assert_eq!((answer.status.as_u16(), answer.detail()), (404, "there is no 9".into()));
    assert_eq!(bare::Stumbling::health_check().unwrap().config.timeout().as_secs(), 9);
}

#[tokio::test]
async fn an_app_names_the_crate_where_it_is_called_otherwise() {
    let client = Client::of(renamed::Renamed);
    for path in ["/", "/more"] {
        assert_eq!(client.ask(Method::POST, path).await.body(), json!(null));
    }
}

#[test]
fn a_method_that_is_configured_away_takes_its_endpoint_along() {
    assert_eq!(conditional::Conditional::declaration().endpoints().len(), 1);
    assert_eq!(conditional::Conditional::health_check().unwrap().config.timeout().as_secs(), 2);
}

/// A trait for every type that has the names of our methods.
mod crowded {
    use ::fal_runtime::prelude::*;

    #[expect(dead_code, clippy::new_ret_no_self, reason = "names to stumble over")]
    trait Crowd: Sized {
        const SOURCE: u8 = 0;
        const RULES: u8 = 0;
        const FAILURES: u8 = 0;

        fn new() {}
        fn of() {}
        fn extract() {}
        fn content() {}
        fn reply() {}
        fn end() {}
        fn app(self) {}
        fn events(self) {}
        fn blocking(self) {}
        fn settle(self) {}
        fn settings(self) {}
        fn docs(self) {}
        fn takes(self) {}
        fn returns(self) {}
        fn fails(self) {}
        fn calls(self) {}
        fn max_multiplexing(self) {}
        fn timeout_seconds(self) {}
        fn setup() {}
        fn handle_exit(self) {}
        fn teardown(self) {}
        fn layer(self) {}
        fn write_str(self) {}
        fn write_fmt(self) {}
        fn to_string(self) {}
        fn into(self) {}
        fn clone(self) {}
        fn fmt(self) {}
    }

    impl<T> Crowd for T {}

    #[derive(Debug, ApiError)]
    pub(crate) enum Failed {
        #[api(status = 404, detail = "there is no {0}")]
        Missing(u32),
        #[api(status = 503)]
        Lost(#[from] std::io::Error),
    }

    pub(crate) struct Crowded;

    #[app(max_multiplexing = 2)]
    impl Crowded {
        fn setup() -> Self {
            Self
        }

        fn handle_exit(&self) {}

        fn teardown(self) {}

        fn layer(router: Router) -> Router {
            router
        }

        /// Says what came.
        #[endpoint("/")]
        async fn own(&self, input: u32, response: &mut ResponseHead) -> Result<u32, Failed> {
            ResponseHead::set_status(response, StatusCode::CREATED);
            if input == 0 { Err(Failed::Missing(input)) } else { Ok(input) }
        }

        #[endpoint("/blocking")]
        fn blocking(&self, input: Option<u32>) -> bool {
            input.is_none()
        }

        #[endpoint("/events")]
        async fn events(&self, events: &mut Events<u32>) -> Result<()> {
            Events::send(events, 1).await
        }

        #[endpoint("/health", health_check = HealthCheck(timeout_seconds = 9))]
        async fn health(&self) {}
    }
}

#[tokio::test]
async fn a_trait_for_every_type_does_not_take_the_place_of_our_methods() {
    let client = Client::of(crowded::Crowded);
    let answer = client.post("/", json!(7)).await;
    assert_eq!((answer.status.as_u16(), answer.body()), (201, json!(7)));
    assert_eq!(client.post("/", json!(0)).await.detail(), "there is no 0");
    assert_eq!(client.ask(Method::POST, "/events").await.text, "data: 1\n\n");
}

mod deprecated {
    #![deny(deprecated)]

    use ::fal_runtime::prelude::*;

    #[derive(Default)]
    pub(crate) struct Deprecated;

    #[app]
    impl Deprecated {
        #[deprecated(note = "call /new")]
        #[endpoint("/old")]
        async fn old(&self) -> u32 {
            1
        }

        #[deprecated]
        #[endpoint("/blocking")]
        fn blocking(&self) -> u32 {
            2
        }

        #[cfg_attr(test, deprecated)]
        #[endpoint("/conditional")]
        async fn conditional(&self) {}

        #[cfg_attr(not(test), deprecated)]
        #[endpoint("/new")]
        async fn current(&self) -> u32 {
            3
        }
    }
}

#[tokio::test]
async fn a_deprecated_endpoint_compiles_without_a_warning_and_is_marked_in_the_document() {
    let client = Client::of(deprecated::Deprecated);
    assert_eq!(client.ask(Method::POST, "/old").await.body(), json!(1));
    assert_eq!(client.ask(Method::POST, "/blocking").await.body(), json!(2));
    let document = deprecated::Deprecated::declaration().openapi();
    let is_deprecated = |path: &str| document["paths"][path]["post"]["deprecated"].clone();
    assert_eq!(
        ["/old", "/blocking", "/conditional"].map(is_deprecated),
        [json!(true), json!(true), json!(true)]
    );
    assert_eq!(is_deprecated("/new"), json!(null));
}
