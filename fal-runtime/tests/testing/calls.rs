//! `TestApp::call` and `TestApp::health`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use fal_runtime::extract::{Bearer, Path, Query};
use fal_runtime::prelude::*;
use fal_runtime::testing::{Failure, TestApp};
use tokio::sync::Semaphore;

#[derive(Deserialize, JsonSchema)]
struct Input {
    text: String,
}

#[derive(Debug, PartialEq, Serialize, JsonSchema)]
struct Output {
    letters: usize,
}

struct Shapes {
    is_lost: AtomicBool,
    entered: Semaphore,
    release: Semaphore,
}

impl Default for Shapes {
    fn default() -> Self {
        Self { is_lost: false.into(), entered: Semaphore::new(0), release: Semaphore::new(0) }
    }
}

#[app]
impl Shapes {
    #[endpoint("/count")]
    async fn count(&self, input: Input) -> Output {
        Output { letters: input.text.len() }
    }

    #[endpoint("/blocking")]
    fn blocking(&self, input: Input) -> Result<Output> {
        if input.text.is_empty() {
            return Err(Error::new(StatusCode::BAD_REQUEST, "no text"));
        }
        Ok(Output { letters: input.text.len() })
    }

    #[endpoint("/sum/{id}")]
    async fn sum(&self, Path(id): Path<usize>, input: Input, Query(more): Query<Input>) -> usize {
        id + input.text.len() + more.text.len()
    }

    #[endpoint("/pair")]
    fn pair(&self, response: &mut ResponseHead, bearer: Bearer, (one, two): (u8, u8)) -> Result<u8> {
        response.request_health_check();
        if bearer.is("secret") { Ok(one + two) } else { Err(Error::new(StatusCode::FORBIDDEN, "unknown")) }
    }

    #[endpoint("/tuple")]
    async fn tuple(&self, (one, two): (u8, u8)) -> u8 {
        one + two
    }

    #[endpoint("/thread")]
    async fn thread(&self) -> String {
        tokio::task::yield_now().await;
        thread::current().name().unwrap_or_default().to_owned()
    }

    #[endpoint("/ask")]
    async fn ask(&self, input: Input, response: &mut ResponseHead) -> Result<Output> {
        response.request_health_check();
        if input.text == "panic" {
            panic!("after asking");
        }
        Ok(Output { letters: input.text.len() })
    }

    #[endpoint("/stop")]
    async fn stop(&self, response: &mut ResponseHead) -> Result<()> {
        response.stop_runner();
        Err(Error::msg("the device is lost"))
    }

    #[endpoint("/ask-first")]
    fn ask_first(&self, response: &mut ResponseHead, _input: Input) {
        response.headers_mut().insert("x-fal-runner-health-check", "0".parse().unwrap());
    }

    #[endpoint("/wait")]
    async fn wait(&self) {
        self.entered.add_permits(1);
        self.release.acquire().await.unwrap().forget();
    }

    #[endpoint("/health", health_check = HealthCheck(timeout_seconds = 1))]
    async fn health(&self, response: &mut ResponseHead) -> Result<&'static str> {
        response.request_health_check();
        if self.is_lost.load(Ordering::Relaxed) {
            return Err(Error::msg("the connection is lost"));
        }
        Ok("ok")
    }
}

fn input(text: &str) -> Input {
    Input { text: text.to_owned() }
}

#[test]
fn every_shape_of_an_endpoint_is_called_by_its_function() {
    let app = TestApp::<Shapes>::start().wait().unwrap();
    assert_eq!(app.call(Shapes::count, input("abc")).wait().unwrap(), Output { letters: 3 });
    assert_eq!(app.call(Shapes::blocking, input("ab")).wait().unwrap(), Output { letters: 2 });
    assert_eq!(app.call(Shapes::thread, ()).wait().unwrap(), "thread");
    assert_eq!(app.call(Shapes::ask, input("a")).wait().unwrap(), Output { letters: 1 });
    app.call(Shapes::ask_first, input("")).wait().unwrap();
}

#[tokio::test]
async fn a_failure_keeps_what_the_log_and_the_client_read() {
    let app = TestApp::<Shapes>::start().await.unwrap();
    let error = app.call(Shapes::blocking, input("")).await.unwrap_err();
    assert_eq!((error.status_code(), error.to_string()), (StatusCode::BAD_REQUEST, "no text".to_owned()));
    let error = app.call(Shapes::ask, input("panic")).await.unwrap_err();
    assert_eq!(error.to_string(), "panicked: after asking");
    app.stop().await.unwrap();
}

#[tokio::test]
async fn requests_for_a_stop_are_counted_after_an_error_too_s58a() {
    let app = TestApp::<Shapes>::start().await.unwrap();
    app.call(Shapes::stop, ()).await.unwrap_err();
    app.post("/stop").send().await.unwrap();
    assert_eq!((app.stops_requested(), app.health_checks_requested()), (2, 0));
}

#[tokio::test]
async fn requests_for_a_health_check_are_counted_after_a_panic_too_s27c() {
    let app = TestApp::<Shapes>::start().await.unwrap();
    app.call(Shapes::ask, input("a")).await.unwrap();
    assert_eq!(app.health_checks_requested(), 1);
    assert!(app.call(Shapes::ask, input("panic")).await.is_err());
    assert_eq!(app.health_checks_requested(), 2);
    app.call(Shapes::ask_first, input("")).await.unwrap();
    assert_eq!(app.health_checks_requested(), 2, "0 does not ask");
}

#[tokio::test]
async fn the_health_endpoint_itself_does_not_ask_s28b() {
    let app = TestApp::<Shapes>::start().await.unwrap();
    app.health().await.unwrap();
    app.call(Shapes::health, ()).await.unwrap();
    app.post("/health").send().await.unwrap();
    assert_eq!(app.health_checks_requested(), 0);
}

#[tokio::test]
async fn health_is_what_a_host_sees_and_its_function_says_why() {
    let app = TestApp::<Shapes>::start().await.unwrap();
    assert_eq!(app.health().await, Ok(()));
    app.is_lost.store(true, Ordering::Relaxed);
    assert_eq!(app.health().await, Err(Failure::Status(500)));
    let why = app.call(Shapes::health, ()).await.unwrap_err();
    assert_eq!(why.to_string(), "the connection is lost");
}

#[tokio::test]
async fn calls_wait_for_a_place_and_health_does_not_s14c_s38c() {
    let app = TestApp::<Shapes>::start().await.unwrap();
    let first = app.call(Shapes::wait, ());
    app.entered.acquire().await.unwrap().forget();
    let mut second = std::pin::pin!(app.call(Shapes::count, input("a")));
    app.health().await.unwrap();
    app.call(Shapes::health, ()).await.unwrap();
    assert!(futures_util::future::FutureExt::now_or_never(&mut second).is_none());
    app.release.add_permits(1);
    first.await.unwrap();
    assert_eq!(second.await.unwrap(), Output { letters: 1 });
}

#[tokio::test]
async fn a_call_that_is_dropped_is_cancelled_and_its_place_given_back_s38b() {
    let app = TestApp::<Shapes>::start().await.unwrap();
    let call = app.call(Shapes::wait, ());
    app.entered.acquire().await.unwrap().forget();
    drop(call);
    assert_eq!(app.call(Shapes::count, input("ab")).await.unwrap(), Output { letters: 2 });
    app.stop().await.unwrap();
}

#[tokio::test]
async fn two_apps_of_one_type_do_not_see_each_other() {
    let (one, two) = (TestApp::<Shapes>::start().await.unwrap(), TestApp::<Shapes>::start().await.unwrap());
    one.is_lost.store(true, Ordering::Relaxed);
    one.call(Shapes::ask, input("a")).await.unwrap();
    assert!(one.health().await.is_err() && two.health().await.is_ok());
    assert_eq!((one.health_checks_requested(), two.health_checks_requested()), (1, 0));
    let blocked = one.call(Shapes::wait, ());
    one.entered.acquire().await.unwrap().forget();
    assert_eq!(two.call(Shapes::count, input("a")).await.unwrap(), Output { letters: 1 });
    drop(blocked);
}

#[test]
#[should_panic(expected = "wait_for_it` is not an endpoint of")]
fn a_function_other_than_an_endpoint_is_named() {
    async fn wait_for_it(_: &Shapes) {}
    let app = TestApp::<Shapes>::of(Shapes::default()).unwrap();
    drop(app.call(wait_for_it, ()));
}

#[test]
fn an_endpoint_of_several_arguments_takes_them_as_a_tuple() {
    let app = TestApp::of(Shapes::default()).unwrap();
    let input = |text: &str| Input { text: text.into() };
    assert_eq!(app.call(Shapes::sum, (Path(5), input("ab"), Query(input("c")))).wait().unwrap(), 8);
    let bearer = |token: &str| {
        let headers = [(axum::http::header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap())];
        Bearer::from_headers(&headers.into_iter().collect()).unwrap()
    };
    assert_eq!(app.call(Shapes::pair, (bearer("secret"), (1, 2))).wait().unwrap(), 3);
    assert_eq!(app.call(Shapes::pair, (bearer("other"), (1, 2))).wait().unwrap_err().status_code(), 403);
    assert_eq!(app.health_checks_requested(), 2);
    // One argument that is a tuple is taken as it is.
    assert_eq!(app.call(Shapes::tuple, (1, 2)).wait().unwrap(), 3);
}
