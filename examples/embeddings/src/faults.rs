//! Faults that a text asks for, to watch the host replace a runner.

use crate::batcher::Embedding;
use fal_runtime::Result;

/// The environment variable that turns them on.
const VARIABLE: &str = "EMBEDDINGS_FAULTS";

/// Where `EMBEDDINGS_FAULTS` is set: the text `wedge` blocks the inference thread forever, as a device does that no
/// longer answers; `panic` ends that thread; the embedding of `nan` is NaN.
pub(crate) fn add_if_asked<F>(mut embed: F) -> impl FnMut(&[&str]) -> Result<Vec<Embedding>> + Send + 'static
where
    F: FnMut(&[&str]) -> Result<Vec<Embedding>> + Send + 'static,
{
    let is_on = std::env::var_os(VARIABLE).is_some();
    if is_on {
        tracing::warn!("{VARIABLE} is set: the texts `wedge`, `panic` and `nan` break this runner");
    }
    move |texts| {
        let mut embeddings = embed(texts)?;
        if is_on {
            for (text, embedding) in texts.iter().zip(&mut embeddings) {
                add_fault(text, embedding);
            }
        }
        Ok(embeddings)
    }
}

#[expect(clippy::panic, reason = "it is the fault that was asked for")]
fn add_fault(text: &str, embedding: &mut Embedding) {
    match text {
        "wedge" => loop {
            std::thread::park();
        },
        "panic" => panic!("the text asked for a panic"),
        "nan" => embedding.fill(f32::NAN),
        _ => {}
    }
}
