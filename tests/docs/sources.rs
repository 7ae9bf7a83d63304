//! The files of this repository, as text.

use std::fs;
use std::path::{Path, PathBuf};

pub(crate) struct Source {
    /// Relative to the repository, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }
}

/// All files whose names end with one of `endings`, sorted by path. Build output, hidden directories and links are left out.
pub(crate) fn all(endings: &[&str]) -> Vec<Source> {
    let mut paths = Vec::new();
    collect(&root(), &mut paths);
    paths.sort();
    let sources: Vec<_> = paths
        .into_iter()
        .filter_map(|path| {
            let relative = path.strip_prefix(root()).unwrap().to_str()?.replace('\\', "/");
            let wanted = endings.iter().any(|ending| relative.ends_with(ending));
            wanted.then(|| Source { path: relative, text: fs::read_to_string(&path).unwrap() })
        })
        .collect();
    assert!(!sources.is_empty(), "no file ends with one of {endings:?}");
    sources
}

pub(crate) fn read(path: &str) -> Source {
    let text = fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    Source { path: path.to_owned(), text }
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn collect(directory: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_symlink() {
            continue;
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') {
                collect(&path, into);
            }
        } else {
            into.push(path);
        }
    }
}
