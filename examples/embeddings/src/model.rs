//! The model: from files to a tokenizer and BERT weights, from texts to embeddings.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use candle_core::{Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config, DTYPE};
use fal_runtime::{Context, Error, Result, Setup};
use tokenizers::{Encoding, PaddingParams, Tokenizer, TruncationParams};

use crate::batcher::Embedding;

/// Tokens of a text; what exceeds them is cut off. The model was trained on texts up to this length.
const MAX_TOKENS: usize = 256;

/// A sentence transformer of the BERT family, such as all-MiniLM-L6-v2.
pub(crate) struct Model {
    tokenizer: Tokenizer,
    bert: BertModel,
}

impl Model {
    /// Loads `config.json`, `tokenizer.json` and `model.safetensors` from a directory, and reports progress from 0 to
    /// 0.9.
    pub(crate) fn load(directory: &Path, cx: &Setup) -> Result<Self> {
        let config = directory.join("config.json");
        let config = fs::read(&config).context(format!("reading {}", config.display()))?;
        let config: Config =
            serde_json::from_slice(&config).context("config.json is not that of a BERT model")?;
        let tokenizer = tokenizer(&directory.join("tokenizer.json"), &config)?;
        let weights = read(&directory.join("model.safetensors"), |fraction| {
            cx.progress(0.8 * fraction, "reading the weights");
        })?;
        cx.progress(0.8, "moving the weights to the device");
        // The first of the devices that CUDA_VISIBLE_DEVICES leaves; the CPU without the feature `cuda`.
        let device = Device::cuda_if_available(0)?;
        let weights = VarBuilder::from_buffered_safetensors(weights, DTYPE, &device)?;
        let bert = BertModel::load(weights, &config).context("the weights are not those of config.json")?;
        Ok(Self { tokenizer, bert })
    }

    /// One vector of length 1 for each text: the mean of its tokens' outputs.
    pub(crate) fn embed(&self, texts: &[&str]) -> Result<Vec<Embedding>> {
        let encodings = self.tokenizer.encode_batch(texts.to_vec(), true).map_err(tokenizer_error)?;
        let ids = self.tensor(&encodings, Encoding::get_ids)?;
        let mask = self.tensor(&encodings, Encoding::get_attention_mask)?;
        let outputs = self.bert.forward(&ids, &ids.zeros_like()?, Some(&mask))?;
        // Padding has no part in the mean.
        let mask = mask.to_dtype(DTYPE)?.unsqueeze(2)?;
        let mean = outputs.broadcast_mul(&mask)?.sum(1)?.broadcast_div(&mask.sum(1)?)?;
        let length = mean.sqr()?.sum_keepdim(1)?.sqrt()?;
        Ok(mean.broadcast_div(&length)?.to_vec2()?)
    }

    /// One row for each text. The tokenizer has padded them to one length.
    fn tensor(&self, encodings: &[Encoding], row: fn(&Encoding) -> &[u32]) -> Result<Tensor> {
        let rows: Vec<&[u32]> = encodings.iter().map(row).collect();
        let length = rows.first().map_or(0, |row| row.len());
        Ok(Tensor::from_vec(rows.concat(), (rows.len(), length), &self.bert.device)?)
    }
}

fn tokenizer(path: &Path, config: &Config) -> Result<Tokenizer> {
    let mut tokenizer =
        Tokenizer::from_file(path).map_err(tokenizer_error).context(format!("reading {}", path.display()))?;
    let max_length = MAX_TOKENS.min(config.max_position_embeddings);
    let truncation = TruncationParams { max_length, ..TruncationParams::default() };
    tokenizer.with_truncation(Some(truncation)).map_err(tokenizer_error)?;
    // To the longest text of a batch.
    tokenizer.with_padding(Some(PaddingParams::default()));
    Ok(tokenizer)
}

/// The tokenizer's errors are boxed, and a box is not an error itself.
fn tokenizer_error(error: tokenizers::Error) -> Error {
    Error::msg(error.to_string())
}

/// Reads a file and reports which fraction of it is read.
fn read(path: &Path, mut report: impl FnMut(f64)) -> Result<Vec<u8>> {
    const CHUNK: u64 = 4 << 20;

    let context = || format!("reading {}", path.display());
    let mut file = File::open(path).context(context())?;
    let length = file.metadata().context(context())?.len();
    let mut bytes = Vec::with_capacity(usize::try_from(length)?);
    while file.by_ref().take(CHUNK).read_to_end(&mut bytes).context(context())? > 0 {
        #[expect(clippy::cast_precision_loss, reason = "a fraction needs no more than 53 bits")]
        report(bytes.len() as f64 / length as f64);
    }
    Ok(bytes)
}
