//! Counts that need only the text of the files.

use std::fs;
use std::path::{Path, PathBuf};

/// The most lines that a file may have.
const MAX_LINES: usize = 355;

/// Folders without source files of this project, and fixtures that golden files quote by line.
const SKIPPED: [&str; 4] = ["target", ".git", "fuzz", "fal-runtime/tests/mistakes"];

/// All other Rust files of the repository, by their path in it.
pub(crate) fn others(root: &Path, sources: &[PathBuf]) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                if !SKIPPED.iter().any(|skipped| path == Path::new(skipped)) {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") && !sources.contains(&path)
            {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// How many lines are neither blank nor a comment.
pub(crate) fn code_lines(root: &Path, files: &[PathBuf]) -> u64 {
    let is_code = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with("//");
    let count = |file: &PathBuf| read(root, file).lines().filter(is_code).count() as u64;
    files.iter().map(count).sum()
}

/// The files whose first line is not `//!`.
pub(crate) fn without_introduction(root: &Path, files: &[PathBuf]) -> Vec<String> {
    let files = files.iter().filter(|file| !read(root, file).starts_with("//!"));
    files.map(|file| file.display().to_string()).collect()
}

/// The files with too many lines, and how many they have.
pub(crate) fn too_long(root: &Path, files: &[PathBuf]) -> Vec<String> {
    let lines = files.iter().map(|file| (file, read(root, file).lines().count()));
    let long = lines.filter(|(_, lines)| *lines > MAX_LINES);
    long.map(|(file, lines)| format!("{}: {lines} lines", file.display())).collect()
}

fn read(root: &Path, file: &Path) -> String {
    fs::read_to_string(root.join(file)).unwrap()
}
