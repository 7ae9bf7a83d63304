use std::borrow::Cow;
use std::path::Path;

use serde_json::Value;

use crate::{Error, Result};

/// The document as it is printed and kept in files.
pub(super) fn pretty(document: &Value) -> String {
    format!("{document:#}\n")
}

/// Compares the document with what a file holds.
pub(super) fn check(document: &str, file: &Path, program: &str) -> Result<()> {
    let renew = format!("write it anew with `{program} openapi > {}`", file.display());
    let kept = std::fs::read_to_string(file)
        .map_err(|error| Error::msg(format!("{} cannot be read: {error}; {renew}", file.display())))?;
    match difference(document, &kept) {
        None => Ok(()),
        Some(difference) => {
            Err(Error::msg(format!("{} is not what the app declares; {difference}\n{renew}", file.display())))
        }
    }
}

/// The first line in which two texts differ.
fn difference(document: &str, kept: &str) -> Option<String> {
    if document == kept {
        return None;
    }
    let (mut ours, mut theirs) = (document.lines(), kept.lines());
    for number in 1.. {
        match (ours.next(), theirs.next()) {
            (None, None) => break,
            (ours, theirs) if ours == theirs => {}
            (ours, theirs) => {
                let [ours, theirs] = [ours, theirs].map(|line| line.map_or("(nothing)".into(), shown));
                return Some(format!("line {number}:\n  file:     {theirs}\n  declared: {ours}"));
            }
        }
    }
    Some("its line ends differ".to_owned())
}

/// A line as it is shown to people: a document that is kept as one line is longer than they read.
fn shown(line: &str) -> Cow<'_, str> {
    const LONGEST: usize = 120;
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or(line)).into(),
        None => line.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_line_that_is_long_the_beginning_is_shown() {
        let (fits, long) = ("ä".repeat(120), "ä".repeat(121));
        assert_eq!(shown(&fits), fits);
        assert_eq!(shown(&long), format!("{fits}…"));
    }

    #[test]
    fn the_first_line_that_differs_is_shown_from_both_sides() {
        assert_eq!(difference("a\nb\n", "a\nb\n"), None);
        let shown = difference("a\nb\nc\n", "a\nx\n").unwrap();
        assert_eq!(shown, "line 2:\n  file:     x\n  declared: b");
        assert!(difference("a\nb\n", "a\n").unwrap().ends_with("file:     (nothing)\n  declared: b"));
        assert_eq!(difference("a\n", "a\r\n").unwrap(), "its line ends differ");
    }

    #[test]
    fn a_file_that_is_not_there_is_answered_with_how_to_write_it() {
        let error = check("{}\n", Path::new("/nowhere/openapi.json"), "my-app").unwrap_err().to_string();
        assert!(error.ends_with("`my-app openapi > /nowhere/openapi.json`"), "{error}");
    }
}
