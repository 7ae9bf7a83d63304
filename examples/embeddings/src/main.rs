//! The app: turns texts into embeddings, and fails its health check when the model no longer can.
//!
//! [`docs/serving-a-model.md`](../../../docs/serving-a-model.md) walks through it.

mod batcher;
mod faults;
mod model;

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use batcher::{Batcher, Embedding, Inference};
use fal_runtime::prelude::*;
use model::Model;

/// Texts in one inference. More texts use the device better, and each of them waits longer.
const MAX_BATCH: usize = 16;

/// An inference that takes longer is stuck. Shorter than `request_timeout`, so that the check that follows a request
/// timeout already fails.
const MAX_INFERENCE: Duration = Duration::from_secs(5);

#[derive(Deserialize, JsonSchema)]
struct Input {
    text: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Output {
    /// The direction of the text's meaning, a vector of length 1. The dot product of two embeddings is their
    /// similarity.
    embedding: Vec<f32>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct HealthResponse {
    status: &'static str,
}

struct Embeddings {
    batcher: Batcher,
    max_inference: Duration,
    /// Why this process can no longer be trusted.
    failure: OnceLock<String>,
}

// 32 requests are two batches: while one is computed, the next one fills.
#[app(max_multiplexing = 32, startup_timeout = 120, request_timeout = 15, body_limit = 65_536)]
impl Embeddings {
    fn setup(cx: &Setup) -> Result<Self> {
        let directory = std::env::var_os("EMBEDDINGS_MODEL").map(PathBuf::from).context(
            "EMBEDDINGS_MODEL is not set: set it to the directory that holds config.json, tokenizer.json and \
             model.safetensors",
        )?;
        let model = Model::load(&directory, cx)?;
        cx.progress(0.9, "running a first inference");
        for embedding in model.embed(&["a first text"])? {
            all_finite(embedding).context("the weights are damaged")?;
        }
        let embed = faults::add_if_asked(move |texts: &[&str]| model.embed(texts));
        Ok(Self::new(Batcher::start(MAX_BATCH, embed)?))
    }

    /// Embeds a text.
    #[endpoint("/embed")]
    async fn embed(&self, input: Input, response: &mut ResponseHead) -> Result<Output> {
        let embedding = self.batcher.embed(input.text).await.and_then(all_finite).inspect_err(|error| {
            // Every text has an embedding: an error comes from the weights in memory or from the device.
            self.failure.get_or_init(|| error.to_string());
            response.request_health_check();
        })?;
        Ok(Output { embedding })
    }

    /// Looks at what the inferences have shown, and starts none.
    #[endpoint("/health", HealthCheck(timeout_seconds = 5, failure_threshold = 2))]
    async fn health(&self) -> Result<HealthResponse> {
        if let Some(failure) = self.failure.get() {
            return Err(Error::msg(format!("a request has failed: {failure}")));
        }
        match self.batcher.inference() {
            Inference::Ended => Err(Error::msg("the inference thread has ended")),
            Inference::Running(age) if age > self.max_inference => Err(Error::msg(format!(
                "an inference has been running for {age:.1?}; expected at most {:?}",
                self.max_inference
            ))),
            Inference::Running(_) | Inference::Idle => Ok(HealthResponse { status: "ok" }),
        }
    }

    fn teardown(self) {
        let embedded = self.batcher.stop();
        tracing::info!(embedded, "the model is unloaded");
    }
}

impl Embeddings {
    fn new(batcher: Batcher) -> Self {
        Self { batcher, max_inference: MAX_INFERENCE, failure: OnceLock::new() }
    }
}

/// Finite weights give finite outputs. NaN means that the weights in memory or the device are damaged.
fn all_finite(embedding: Embedding) -> Result<Embedding> {
    if embedding.iter().all(|value| value.is_finite()) {
        Ok(embedding)
    } else {
        Err(Error::msg("the output of the model is NaN or infinite"))
    }
}

fn main() -> ExitCode {
    fal_runtime::main()
}

#[cfg(test)]
mod tests;
