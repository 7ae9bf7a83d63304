//! `setup`, `handle_exit`, `teardown`, and the layers of an app.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use axum::http::Method;
use axum::http::header::{HeaderName, HeaderValue};
use axum::response::Response;
use fal_runtime::__private::Instance;
use fal_runtime::declaration::Declaration;
use fal_runtime::prelude::*;
use serde_json::json;
use tokio::sync::Semaphore;

use crate::client::Client;

/// An app whose lifecycle functions are all async and fallible.
struct Async(String);

#[app]
impl Async {
    async fn setup() -> Result<Self> {
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok(Self(name_of_thread()))
    }

    async fn handle_exit(&self) -> Result<()> {
        tokio::task::yield_now().await;
        Err(Error::msg(format!("logged for {}", self.0)))
    }

    async fn teardown(self) -> Result<()> {
        tokio::task::yield_now().await;
        Err(Error::msg(self.0))
    }

    #[endpoint("/")]
    async fn thread(&self) -> String {
        self.0.clone()
    }
}

/// An app whose lifecycle functions all block.
struct Blocking(Arc<AtomicBool>);

#[app]
impl Blocking {
    fn setup() -> Self {
        Self(Arc::default())
    }

    fn handle_exit(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn teardown(self) -> Result<()> {
        if self.0.load(Ordering::SeqCst) { Ok(()) } else { Err(Error::msg("not told")) }
    }

    fn layer(router: Router) -> Router {
        router.layer(axum::middleware::map_response(|mut response: Response| async {
            let name = HeaderName::from_static("x-layer");
            response.headers_mut().insert(name, HeaderValue::from_static("on"));
            response
        }))
    }

    #[endpoint("/")]
    async fn nothing(&self) {}
}

#[derive(Default)]
struct ByDefault;

#[app]
impl ByDefault {
    #[endpoint("/")]
    async fn nothing(&self) {}
}

struct Failing;

#[app]
impl Failing {
    async fn setup() -> Result<Self, std::num::ParseIntError> {
        "x".parse::<u32>().map(|_| Self)
    }

    fn teardown(self) {
        panic!("in teardown")
    }

    #[endpoint("/")]
    async fn nothing(&self) {}
}

struct Panicking;

#[app]
impl Panicking {
    fn setup() -> Self {
        panic!("no model")
    }

    #[endpoint("/")]
    async fn nothing(&self) {}
}

fn name_of_thread() -> String {
    thread::current().name().unwrap_or_default().to_owned()
}

async fn made(app: &Declaration) -> Instance {
    (app.setup)(Setup::default()).await.unwrap()
}

#[tokio::test]
async fn an_async_lifecycle_runs_on_threads_of_its_own_with_the_runtimes_timers() {
    let app = Async::declaration();
    let instance = made(app).await;
    assert_eq!(instance.downcast_ref::<Async>().unwrap().0, "setup");
    (app.handle_exit)(Arc::clone(&instance)).await;
    assert_eq!((app.teardown)(instance).await.unwrap_err().to_string(), "setup");
}

#[tokio::test]
async fn a_blocking_lifecycle_is_the_same_without_async() {
    let app = Blocking::declaration();
    let instance = made(app).await;
    (app.handle_exit)(Arc::clone(&instance)).await;
    (app.teardown)(instance).await.unwrap();
    assert_eq!((app.teardown)(made(app).await).await.unwrap_err().to_string(), "not told");
}

#[tokio::test]
async fn an_app_without_a_lifecycle_is_made_by_default_and_dropped() {
    let app = ByDefault::declaration();
    let instance = made(app).await;
    (app.handle_exit)(Arc::clone(&instance)).await;
    (app.teardown)(instance).await.unwrap();
}

#[tokio::test]
async fn a_failed_setup_says_why() {
    let error = (Failing::declaration().setup)(Setup::default()).await.unwrap_err();
    assert_eq!(error.to_string(), "invalid digit found in string");
    let error = (Panicking::declaration().setup)(Setup::default()).await.unwrap_err();
    assert_eq!(error.to_string(), "panicked: no model");
    let error = (Failing::declaration().teardown)(Arc::new(Failing)).await.unwrap_err();
    assert_eq!(error.to_string(), "panicked: in teardown");
}

/// An app whose setup stands in another block than its declaration, and says how far it is.
#[app]
struct Patient;

#[endpoints]
impl Patient {
    async fn setup(cx: &Setup) -> Result<Self> {
        let blocking = cx.clone();
        tokio::task::spawn_blocking(move || blocking.progress(0.5, "from a thread")).await?;
        cx.progress(1.0, "done");
        Ok(Self)
    }

    #[endpoint("/")]
    async fn nothing(&self) {}
}

/// The same, blocking and infallible.
struct Plain;

#[app]
impl Plain {
    fn setup(cx: &Setup) -> Self {
        cx.progress(0.5, "half");
        Self
    }

    #[endpoint("/")]
    async fn nothing(&self) {}
}

#[tokio::test]
async fn a_setup_may_say_how_far_it_is() {
    assert!(made(Patient::declaration()).await.is::<Patient>());
    assert!(made(Plain::declaration()).await.is::<Plain>());
}

#[tokio::test]
async fn an_app_that_is_still_used_is_not_torn_down_s42b() {
    let app = Blocking::declaration();
    let instance = made(app).await;
    let used = Arc::clone(&instance);
    assert_eq!((app.teardown)(instance).await.unwrap_err().to_string(), "the app is still in use");
    drop(used);
}

#[tokio::test]
async fn a_setup_whose_caller_has_left_is_dropped_s42e() {
    static ENTERED: Semaphore = Semaphore::const_new(0);
    static DROPPED: Semaphore = Semaphore::const_new(0);

    struct Slow;

    struct Guard;

    impl Drop for Guard {
        fn drop(&mut self) {
            DROPPED.add_permits(1);
        }
    }

    #[app]
    impl Slow {
        async fn setup() -> Self {
            let _guard = Guard;
            ENTERED.add_permits(1);
            std::future::pending().await
        }

        #[endpoint("/")]
        async fn nothing(&self) {}
    }

    let setup = tokio::spawn((Slow::declaration().setup)(Setup::default()));
    ENTERED.acquire().await.unwrap().forget();
    setup.abort();
    DROPPED.acquire().await.unwrap().forget();
}

#[tokio::test]
async fn a_blocking_setup_whose_caller_has_left_is_abandoned_s42e() {
    static ENTERED: Semaphore = Semaphore::const_new(0);

    struct Stuck;

    #[app]
    impl Stuck {
        fn setup() -> Self {
            ENTERED.add_permits(1);
            loop {
                thread::park();
            }
        }

        #[endpoint("/")]
        async fn nothing(&self) {}
    }

    let setup = tokio::spawn((Stuck::declaration().setup)(Setup::default()));
    ENTERED.acquire().await.unwrap().forget();
    setup.abort();
    assert!(setup.await.unwrap_err().is_cancelled());
}

#[tokio::test]
async fn the_apps_own_layers_are_on_every_answer() {
    let client = Client::of(Blocking(Arc::default()));
    for (method, path) in [(Method::POST, "/"), (Method::POST, "/unknown"), (Method::GET, "/health")] {
        assert_eq!(client.ask(method, path).await.header("x-layer"), Some("on"), "{path}");
    }
    let layerless = Client::of(Async("here".into())).ask(Method::POST, "/").await;
    assert_eq!((layerless.body(), layerless.header("x-layer")), (json!("here"), None));
}
