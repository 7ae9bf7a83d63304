//! Apps in several blocks, their options, and the registry of apps.

use std::time::Duration;

use axum::http::Method;
use fal_runtime::declaration::Declaration;
use fal_runtime::prelude::*;
use serde_json::json;

use crate::client::Client;

/// An app in three blocks.
///
/// Two of them stand elsewhere.
#[app(name = "split", version = "2.1", startup_timeout = 40, termination_grace_period = 7)]
#[derive(Default)]
struct Split;

mod first {
    use fal_runtime::prelude::*;

    #[endpoints]
    impl super::Split {
        #[endpoint("/b")]
        async fn b(&self) -> &'static str {
            "b"
        }

        #[endpoint("/a")]
        async fn a(&self) -> &'static str {
            "a"
        }
    }
}

mod second {
    use super::Split as Renamed;
    use fal_runtime::prelude::*;

    #[endpoints]
    impl Renamed {
        #[endpoint("/health", health_check = HealthCheck)]
        async fn health(&self) -> &'static str {
            "health"
        }
    }
}

#[app]
#[derive(Default)]
struct Bare;

struct HTTPProxy2;

#[app]
impl HTTPProxy2 {
    const PATHS: usize = 2;

    fn setup() -> Self {
        Self
    }

    fn uncalled(&self) -> usize {
        Self::PATHS
    }

    #[endpoint("/")]
    async fn paths(&self) -> [u8; Self::PATHS] {
        [0; Self::PATHS]
    }

    #[endpoint("/own")]
    async fn own(&self, own: Box<Own<Self>>) -> usize {
        own.0.iter().map(|number| usize::from(*number)).sum::<usize>() + self.uncalled()
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(bound = "", transparent)]
#[schemars(bound = "", transparent)]
struct Own<T>(Vec<u8>, #[serde(skip)] std::marker::PhantomData<fn(T)>);

#[tokio::test]
async fn the_endpoints_of_every_block_are_served() {
    let client = Client::of(Split);
    for (path, answer) in [("/a", "a"), ("/b", "b"), ("/health", "health")] {
        assert_eq!(client.ask(Method::POST, path).await.body(), json!(answer));
    }
}

#[test]
fn endpoints_are_listed_in_the_order_of_their_lines() {
    let names: Vec<_> = Split::declaration().endpoints().iter().map(|endpoint| endpoint.name()).collect();
    assert_eq!(names, ["b", "a", "health"]);
    assert_eq!(Split::health_check().unwrap().path, "/health");
}

#[test]
fn the_options_of_an_app_set_its_settings() {
    let settings = &Split::declaration().settings;
    assert_eq!((settings.name(), settings.version()), ("split", "2.1"));
    assert_eq!(settings.description(), "An app in three blocks.\n\nTwo of them stand elsewhere.");
    assert_eq!(settings.startup_timeout(), Some(Duration::from_secs(40)));
    assert_eq!(settings.termination_grace_period(), Duration::from_secs(7));
}

#[test]
fn an_app_is_called_after_its_type_and_has_its_crates_version() {
    let settings = &HTTPProxy2::declaration().settings;
    assert_eq!((settings.name(), settings.version()), ("http-proxy2", env!("CARGO_PKG_VERSION")));
    assert_eq!((settings.startup_timeout(), settings.description()), (None, ""));
    assert_eq!(settings.termination_grace_period(), Duration::from_secs(5));
}

#[test]
fn an_app_without_an_endpoint_in_any_block_is_a_problem_s2f() {
    assert_eq!(Split::declaration().problems(), Vec::<String>::new());
    let problems = Bare::declaration().problems();
    assert_eq!(problems.len(), 1);
    assert!(problems[0].starts_with("the app `bare` has no endpoint: write"), "{problems:?}");
}

#[test]
fn two_apps_of_one_name_are_a_problem() {
    mod other {
        use fal_runtime::prelude::*;

        #[app(name = "same")]
        #[derive(Default)]
        pub(super) struct Other;

        #[endpoints]
        impl Other {
            #[endpoint("/")]
            async fn nothing(&self) {}
        }
    }

    #[app]
    #[derive(Default)]
    struct Same;

    #[endpoints]
    impl Same {
        #[endpoint("/")]
        async fn nothing(&self) {}
    }

    let told = ["two apps have the name `same`: set another with `#[app(name = \"…\")]`"];
    assert_eq!(Same::declaration().problems(), told);
    assert_eq!(other::Other::declaration().problems(), told);
}

#[test]
fn every_app_of_the_binary_is_known_by_its_name() {
    let names: Vec<_> = Declaration::all().iter().map(|app| app.settings.name()).collect();
    assert!(names.is_sorted());
    for name in ["bare", "http-proxy2", "split"] {
        assert_eq!(names.iter().filter(|other| **other == name).count(), 1, "{names:?}");
    }
}

#[tokio::test]
async fn self_stands_for_the_app_in_what_an_endpoint_takes_and_gives() {
    let client = Client::of(HTTPProxy2);
    assert_eq!(client.ask(Method::POST, "/").await.body(), json!([0, 0]));
    assert_eq!(client.post("/own", json!([1, 2])).await.body(), json!(5));
}
