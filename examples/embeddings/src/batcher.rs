//! One thread that owns the model and computes what waits, a batch at a time.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::{fmt, io};

use fal_runtime::{Context, Error, Result};
use tokio::sync::oneshot;

/// A vector for a text.
pub(crate) type Embedding = Vec<f32>;

/// Collects texts of concurrent requests into batches.
pub(crate) struct Batcher {
    jobs: Sender<Job>,
    running_since: Arc<RunningSince>,
    thread: JoinHandle<u64>,
}

/// What the inference thread does at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inference {
    Idle,
    /// The age of the oldest inference, which is the only one: the thread runs one at a time.
    Running(Duration),
    /// It has panicked.
    Ended,
}

struct Job {
    text: String,
    answer: oneshot::Sender<Result<Embedding>>,
}

#[derive(Default)]
struct RunningSince(Mutex<Option<Instant>>);

impl Batcher {
    /// Starts the thread. `embed` gets from 1 to `max_batch` texts and returns an embedding for each.
    pub(crate) fn start<F>(max_batch: usize, embed: F) -> io::Result<Self>
    where
        F: FnMut(&[&str]) -> Result<Vec<Embedding>> + Send + 'static,
    {
        let (jobs, waiting) = mpsc::channel();
        let running_since = Arc::new(RunningSince::default());
        let watch = Arc::clone(&running_since);
        let thread = thread::Builder::new().name("inference".into());
        let thread = thread.spawn(move || run(&waiting, max_batch, &watch, embed))?;
        Ok(Self { jobs, running_since, thread })
    }

    /// Embeds a text, together with others that wait. When the caller drops this future, the text is left out of its
    /// batch, unless the batch is already being computed.
    pub(crate) async fn embed(&self, text: String) -> Result<Embedding> {
        let (answer, answered) = oneshot::channel();
        self.jobs.send(Job { text, answer }).ok().context("the inference thread has ended")?;
        answered.await.context("the inference thread has ended")?
    }

    pub(crate) fn inference(&self) -> Inference {
        if self.thread.is_finished() {
            return Inference::Ended;
        }
        self.running_since.get().map_or(Inference::Idle, |since| Inference::Running(since.elapsed()))
    }

    /// Ends the thread when its batch is computed, and returns how many texts it has embedded.
    pub(crate) fn stop(self) -> u64 {
        drop(self.jobs);
        // A thread that has panicked has printed why.
        self.thread.join().unwrap_or_default()
    }
}

impl fmt::Debug for Batcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batcher").field("inference", &self.inference()).finish_non_exhaustive()
    }
}

/// The inference thread: returns how many texts it has embedded, when no [`Batcher`] is left.
fn run<F>(waiting: &Receiver<Job>, max_batch: usize, running_since: &RunningSince, mut embed: F) -> u64
where
    F: FnMut(&[&str]) -> Result<Vec<Embedding>>,
{
    let mut embedded = 0;
    while let Some(batch) = next_batch(waiting, max_batch) {
        let texts: Vec<&str> = batch.iter().map(|job| job.text.as_str()).collect();
        running_since.set(Some(Instant::now()));
        let result = embed(&texts);
        running_since.set(None);
        if result.is_ok() {
            embedded += batch.len() as u64;
        }
        reply(batch, result);
    }
    embedded
}

/// Waits for one job, and takes with it those that wait already, up to `max_batch`. A lone request is not delayed for
/// others that may come.
fn next_batch(waiting: &Receiver<Job>, max_batch: usize) -> Option<Vec<Job>> {
    // A job is closed when its caller has dropped the call.
    let is_wanted = |job: &Job| !job.answer.is_closed();
    let first = waiting.iter().find(is_wanted)?;
    let rest = waiting.try_iter().filter(is_wanted);
    Some(std::iter::once(first).chain(rest.take(max_batch.saturating_sub(1))).collect())
}

fn reply(batch: Vec<Job>, result: Result<Vec<Embedding>>) {
    match result {
        Ok(embeddings) => {
            for (job, embedding) in batch.into_iter().zip(embeddings) {
                // The caller may have dropped the call.
                let _ = job.answer.send(Ok(embedding));
            }
        }
        Err(error) => {
            for job in batch {
                let _ = job.answer.send(Err(Error::msg(format!("the inference failed: {error}"))));
            }
        }
    }
}

impl RunningSince {
    fn get(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, since: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }
}

#[cfg(test)]
mod tests;
