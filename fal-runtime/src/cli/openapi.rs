//! Prints the OpenAPI document or compares it with a file.

use std::borrow::Cow;
use std::path::Path;

use serde_json::Value;

use crate::error::{Error, Result};

/// The document as it is printed.
pub(super) fn pretty(document: &Value) -> String {
    format!("{document:#}\n")
}

/// Compares a text that this program prints with a file. `command` prints it.
pub(super) fn check(document: &str, file: &Path, command: &str) -> Result<()> {
    let update = format!("update it with `{command} > {}`", file.display());
    let saved = std::fs::read_to_string(file)
        .map_err(|error| Error::msg(format!("cannot read {}: {error}; {update}", file.display())))?;
    match difference(document, &saved) {
        None => Ok(()),
        Some(difference) => Err(Error::msg(format!(
            "{} differs from the app's declaration; {difference}\n{update}",
            file.display()
        ))),
    }
}

/// The first line in which the document and the file differ.
fn difference(document: &str, saved: &str) -> Option<String> {
    if document == saved {
        return None;
    }
    let (mut declared, mut saved) = (document.lines(), saved.lines());
    for number in 1.. {
        match (declared.next(), saved.next()) {
            (None, None) => break,
            (declared, saved) if declared == saved => {}
            (declared, saved) => {
                let [declared, saved] =
                    [declared, saved].map(|line| line.map_or("(end of file)".into(), truncated));
                return Some(format!("line {number}:\n  file:     {saved}\n  declared: {declared}"));
            }
        }
    }
    Some("the line endings differ".to_owned())
}

/// The beginning of a line: a document can be one long line.
fn truncated(line: &str) -> Cow<'_, str> {
    const MAX_CHARS: usize = 120;
    match line.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or(line)).into(),
        None => line.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_truncated() {
        let (fits, long) = ("ä".repeat(120), "ä".repeat(121));
        assert_eq!(truncated(&fits), fits);
        assert_eq!(truncated(&long), format!("{fits}…"));
    }

    #[test]
    fn the_first_difference_is_shown_from_both_sides() {
        assert_eq!(difference("a\nb\n", "a\nb\n"), None);
        let shown = difference("a\nb\nc\n", "a\nx\n").unwrap();
        assert_eq!(shown, "line 2:\n  file:     x\n  declared: b");
        assert!(difference("a\nb\n", "a\n").unwrap().ends_with("file:     (end of file)\n  declared: b"));
        assert_eq!(difference("a\n", "a\r\n").unwrap(), "the line endings differ");
    }

    #[test]
    fn the_error_for_a_missing_file_says_how_to_write_it() {
        let error =
            check("{}\n", Path::new("/nowhere/openapi.json"), "my-app openapi").unwrap_err().to_string();
        assert!(error.ends_with("`my-app openapi > /nowhere/openapi.json`"), "{error}");
    }
}
