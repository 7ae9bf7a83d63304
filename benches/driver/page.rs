//! The page with the figures: `docs/benchmarks.md`. Each table is between two comments with its name.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The page, as it will be written.
pub(crate) struct Page {
    path: PathBuf,
    text: String,
}

impl Page {
    pub(crate) fn read() -> Result<Self> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/benchmarks.md");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self { path, text })
    }

    /// Replaces what is between the comments with this name.
    pub(crate) fn replace(&mut self, name: &str, new: &str) -> Result<()> {
        let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
        let parts =
            self.text.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
        let (before, after) =
            parts.with_context(|| format!("docs/benchmarks.md lacks `<!-- {name} -->` and its end"))?;
        self.text = format!("{before}{begin}\n{}\n\n{end}{after}", new.trim());
        Ok(())
    }

    pub(crate) fn write(&self) -> Result<()> {
        Ok(fs::write(&self.path, &self.text)?)
    }
}
