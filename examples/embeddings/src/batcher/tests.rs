//! What the batcher promises, with a model that the test stands for.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use tokio::task::JoinSet;

use super::*;

/// Long enough for a busy machine; only a failure waits for it.
const DEADLINE: Duration = Duration::from_secs(30);

/// An embedding that shows which text it is for.
fn embedding_of(text: &str) -> Embedding {
    text.bytes().map(f32::from).collect()
}

/// The other end of a model: it sees each batch, and the batch is done when it says so.
struct Model {
    batches: Receiver<Vec<String>>,
    done: SyncSender<Result<()>>,
}

impl Model {
    fn batcher(max_batch: usize) -> (Self, Arc<Batcher>) {
        let (seen, batches) = sync_channel(64);
        let (done, finish) = sync_channel(64);
        let embed = move |texts: &[&str]| {
            seen.send(texts.iter().map(ToString::to_string).collect()).unwrap();
            finish.recv_timeout(DEADLINE).unwrap()?;
            Ok(texts.iter().map(|text| embedding_of(text)).collect())
        };
        (Self { batches, done }, Arc::new(Batcher::start(max_batch, embed).unwrap()))
    }

    fn next_batch(&self) -> Vec<String> {
        self.batches.recv_timeout(DEADLINE).unwrap()
    }

    fn finish(&self) {
        self.done.send(Ok(())).unwrap();
    }
}

/// Sends a text, in the order of the calls.
async fn send(batcher: &Arc<Batcher>, calls: &mut JoinSet<Result<Embedding>>, text: &str) {
    let (batcher, text) = (Arc::clone(batcher), text.to_owned());
    let (sent, is_sent) = oneshot::channel();
    calls.spawn(async move {
        let call = batcher.embed(text);
        // The text is in the channel once the future has been polled.
        let mut call = std::pin::pin!(call);
        let first = std::future::poll_fn(|cx| std::task::Poll::Ready(call.as_mut().poll(cx))).await;
        sent.send(()).unwrap();
        match first {
            std::task::Poll::Ready(result) => result,
            std::task::Poll::Pending => call.await,
        }
    });
    is_sent.await.unwrap();
}

#[tokio::test]
async fn a_lone_text_is_computed_at_once() {
    let (model, batcher) = Model::batcher(8);
    let mut calls = JoinSet::new();
    send(&batcher, &mut calls, "a").await;
    assert_eq!(model.next_batch(), ["a"]);
    model.finish();
    assert_eq!(calls.join_next().await.unwrap().unwrap().unwrap(), embedding_of("a"));
}

#[tokio::test]
async fn texts_that_wait_are_computed_together_up_to_the_limit() {
    let (model, batcher) = Model::batcher(3);
    let mut calls = JoinSet::new();
    send(&batcher, &mut calls, "first").await;
    assert_eq!(model.next_batch(), ["first"]);
    for text in ["a", "b", "c", "d"] {
        send(&batcher, &mut calls, text).await;
    }
    model.finish();
    assert_eq!(model.next_batch(), ["a", "b", "c"]);
    model.finish();
    assert_eq!(model.next_batch(), ["d"]);
    model.finish();
    let mut embeddings: Vec<_> = calls.join_all().await.into_iter().map(Result::unwrap).collect();
    embeddings.sort_by(|one, other| one.partial_cmp(other).unwrap());
    let expected: Vec<_> = ["a", "b", "c", "d", "first"].map(embedding_of).into();
    assert_eq!(embeddings, expected, "each caller gets the embedding of its own text");
}

#[tokio::test]
async fn a_text_whose_caller_has_left_is_not_computed() {
    let (model, batcher) = Model::batcher(8);
    let mut calls = JoinSet::new();
    send(&batcher, &mut calls, "first").await;
    assert_eq!(model.next_batch(), ["first"]);
    let mut abandoned = JoinSet::new();
    send(&batcher, &mut abandoned, "abandoned").await;
    send(&batcher, &mut calls, "wanted").await;
    abandoned.shutdown().await;
    model.finish();
    assert_eq!(model.next_batch(), ["wanted"]);
    model.finish();
    calls.join_all().await;
}

#[tokio::test]
async fn the_age_is_that_of_the_batch_that_runs() {
    let (model, batcher) = Model::batcher(8);
    assert_eq!(batcher.inference(), Inference::Idle);
    let mut calls = JoinSet::new();
    let before = Instant::now();
    send(&batcher, &mut calls, "a").await;
    model.next_batch();
    let Inference::Running(age) = batcher.inference() else { panic!("{batcher:?}") };
    assert!(age <= before.elapsed(), "{age:?}");
    let Inference::Running(later) = batcher.inference() else { panic!("{batcher:?}") };
    assert!(later >= age, "{later:?} after {age:?}");
    model.finish();
    calls.join_all().await;
    assert_eq!(batcher.inference(), Inference::Idle);
}

#[tokio::test]
async fn an_error_reaches_every_caller_of_its_batch_and_no_later_one() {
    let (model, batcher) = Model::batcher(8);
    let mut calls = JoinSet::new();
    send(&batcher, &mut calls, "first").await;
    model.next_batch();
    send(&batcher, &mut calls, "a").await;
    send(&batcher, &mut calls, "b").await;
    model.finish();
    assert_eq!(model.next_batch(), ["a", "b"]);
    model.done.send(Err(Error::msg("the device is lost"))).unwrap();
    let results = calls.join_all().await;
    let errors: Vec<_> = results.iter().filter_map(|result| result.as_ref().err()).collect();
    assert_eq!(errors.len(), 2);
    assert!(errors.iter().all(|error| error.to_string().ends_with("the device is lost")), "{errors:?}");

    let mut calls = JoinSet::new();
    send(&batcher, &mut calls, "later").await;
    model.finish();
    assert!(calls.join_next().await.unwrap().unwrap().is_ok());
}

#[tokio::test]
async fn a_panic_ends_the_thread_and_every_later_call_fails() {
    let batcher = Batcher::start(8, |_: &[&str]| panic!("the model panics")).unwrap();
    for text in ["a", "b"] {
        let error = batcher.embed(text.to_owned()).await.unwrap_err();
        assert!(error.to_string().starts_with("the inference thread has ended"), "{error}");
    }
    let give_up = Instant::now() + DEADLINE;
    while batcher.inference() != Inference::Ended {
        assert!(Instant::now() < give_up, "{batcher:?}");
        thread::yield_now();
    }
    assert_eq!(batcher.stop(), 0);
}

#[tokio::test]
async fn stop_returns_how_many_texts_were_embedded() {
    let (model, batcher) = Model::batcher(8);
    let mut calls = JoinSet::new();
    send(&batcher, &mut calls, "a").await;
    model.next_batch();
    model.finish();
    calls.join_all().await;
    let batcher = Arc::into_inner(batcher).expect("no call has it any more");
    assert_eq!(batcher.stop(), 1);
}
