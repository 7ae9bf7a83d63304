//! Escapes control characters.

use std::fmt::Write;

/// Escapes control characters, so that text of other programs cannot control the terminal.
pub(super) fn escape_control_characters(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() && letter != '\t' {
            // Writing to a string cannot fail.
            let _ = write!(escaped, "{}", letter.escape_default());
        } else {
            escaped.push(letter);
        }
    }
    escaped
}
