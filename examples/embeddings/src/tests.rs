//! The app without a host, with a model that the test stands for.

use std::sync::mpsc::{self, Sender};

use fal_runtime::testing::{Failure, TestApp};

use super::*;

/// An app whose model computes this.
fn app(embed: impl FnMut(&[&str]) -> Result<Vec<Embedding>> + Send + 'static) -> TestApp<Embeddings> {
    TestApp::of(Embeddings::new(Batcher::start(MAX_BATCH, embed).unwrap())).unwrap()
}

fn constant(value: f32) -> impl FnMut(&[&str]) -> Result<Vec<Embedding>> {
    move |texts| Ok(vec![vec![value; 3]; texts.len()])
}

fn input() -> Input {
    Input { text: "a cat".to_owned() }
}

#[tokio::test]
async fn an_embedding_is_answered_and_no_check_asked_for() {
    let app = app(constant(0.5));
    assert_eq!(app.call(Embeddings::embed, input()).await.unwrap().embedding, [0.5; 3]);
    assert_eq!(app.health_checks_requested(), 0);
    assert_eq!(app.health().await, Ok(()));
    app.stop().await.unwrap();
}

#[tokio::test]
async fn nan_is_answered_500_and_asks_for_a_check_that_fails_s27() {
    let app = app(constant(f32::NAN));
    let error = app.call(Embeddings::embed, input()).await.unwrap_err();
    assert_eq!(error.status_code(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(app.health_checks_requested(), 1);
    assert_eq!(app.health().await, Err(Failure::Status(500)));
}

#[tokio::test]
async fn a_failed_inference_is_answered_500_and_asks_for_a_check_that_fails_s27() {
    let app = app(|_: &[&str]| Err(Error::msg("the device is lost")));
    let error = app.call(Embeddings::embed, input()).await.unwrap_err();
    assert_eq!(error.status_code(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(app.health_checks_requested(), 1);
    let failure = app.call(Embeddings::health, ()).await.unwrap_err();
    assert!(failure.to_string().ends_with("the device is lost"), "{failure}");
}

/// An app with a model that says when it computes, and then does until the sender of its end is dropped.
fn stuck_app(max_inference: Duration) -> (TestApp<Embeddings>, mpsc::Receiver<()>, Sender<()>) {
    let (running, is_running) = mpsc::channel();
    let (end, wait_for_end) = mpsc::channel::<()>();
    let embed = move |texts: &[&str]| {
        running.send(()).unwrap();
        // Ends with an error, when the sender is dropped.
        let _ = wait_for_end.recv();
        constant(0.5)(texts)
    };
    let batcher = Batcher::start(MAX_BATCH, embed).unwrap();
    let app = Embeddings { max_inference, ..Embeddings::new(batcher) };
    (TestApp::of(app).unwrap(), is_running, end)
}

#[tokio::test]
async fn a_check_passes_beside_an_inference_within_its_limit_and_does_not_wait_for_it() {
    let (app, is_running, end) = stuck_app(MAX_INFERENCE * 1000);
    let call = app.call(Embeddings::embed, input());
    is_running.recv().unwrap();
    assert_eq!(app.health().await, Ok(()));
    drop(end);
    call.await.unwrap();
}

#[tokio::test]
async fn a_check_fails_while_an_inference_is_over_its_limit() {
    let (app, is_running, end) = stuck_app(Duration::ZERO);
    let call = app.call(Embeddings::embed, input());
    is_running.recv().unwrap();
    let failure = app.call(Embeddings::health, ()).await.unwrap_err();
    assert!(failure.to_string().starts_with("an inference has been running for"), "{failure}");
    drop(end);
    call.await.unwrap();
    assert_eq!(app.health().await, Ok(()), "it was slow and not stuck");
}

#[tokio::test]
async fn a_model_that_panics_fails_every_check_and_does_not_keep_teardown_waiting() {
    let app = app(|_: &[&str]| panic!("the model panics"));
    assert!(app.call(Embeddings::embed, input()).await.is_err());
    assert_eq!(app.health().await, Err(Failure::Status(500)));
    app.stop().await.unwrap();
}
