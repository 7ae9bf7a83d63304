//! The text that a person reads in a Rust file: comments, string literals and names of functions.

/// The text of a file line by line; code is left out. `_` in a function's name is a space.
pub(crate) fn lines(source: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut rest = source;
    while let Some((kind, length)) = token(rest) {
        let (token, after) = rest.split_at(length);
        for (index, part) in token.split('\n').enumerate() {
            if index > 0 {
                lines.push(String::new());
            }
            let line = lines.last_mut().unwrap();
            match kind {
                Kind::Code => line.push(' '),
                Kind::Name => line.push_str(&part.replace('_', " ")),
                Kind::Text => line.push_str(part.trim_start().trim_start_matches(['/', '!'])),
            }
        }
        rest = after;
    }
    lines
}

#[derive(Clone, Copy)]
enum Kind {
    Code,
    /// `fn` and the name after it.
    Name,
    /// A comment or a string literal.
    Text,
}

/// What a text begins with, and its length in bytes. `None` at the end.
fn token(text: &str) -> Option<(Kind, usize)> {
    let first = text.chars().next()?;
    let until =
        |end: &str, from: usize| text[from..].find(end).map_or(text.len(), |at| from + at + end.len());
    let word = text.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(text.len());
    Some(match first {
        '/' if text.starts_with("//") => (Kind::Text, text.find('\n').unwrap_or(text.len())),
        '/' if text.starts_with("/*") => (Kind::Text, until("*/", 2)),
        '"' => (Kind::Text, string(text)),
        'r' if text.starts_with("r\"") || text.starts_with("r#\"") => {
            let quote = text.find('"').unwrap_or(1);
            (Kind::Text, until(&format!("\"{}", &text[1..quote]), quote + 1))
        }
        'f' if text.starts_with("fn ") => {
            let name = text[3..].find(|letter: char| !letter.is_alphanumeric() && letter != '_');
            (Kind::Name, name.map_or(text.len(), |end| end + 3))
        }
        // A character, or a lifetime, which has no quote behind its first letter.
        '\'' if text.starts_with("'\\") => (Kind::Code, until("'", 3)),
        '\'' => {
            let mut letters = text.char_indices().skip(2);
            let closes = letters.next().is_some_and(|(_, letter)| letter == '\'');
            (Kind::Code, if closes { letters.next().map_or(text.len(), |(at, _)| at) } else { 1 })
        }
        _ => (Kind::Code, word.max(first.len_utf8())),
    })
}

/// The length of a string literal with its quotes.
fn string(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            '"' if !is_escaped => return at + 1,
            _ => is_escaped = letter == '\\' && !is_escaped,
        }
    }
    text.len()
}

#[test]
fn comments_strings_and_names_are_text_and_code_is_not() {
    let source = "fn is_it<'a>(it: &'a str) -> char {\n    // A \"comment\".\n    nobody('\"', r#\"raw \"one\"\"#, \"a \\\" b\")\n}";
    let lines = lines(source);
    let words = |index: usize| lines[index].split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(words(0), "fn is it");
    assert_eq!(words(1), "A \"comment\".");
    assert_eq!(words(2), "r#\"raw \"one\"\"# \"a \\\" b\"");
}
