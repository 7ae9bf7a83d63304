//! Pages, comments, messages and names keep to the words of `house_words.toml`.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;

use crate::rust_text;
use crate::sources::{Source, all, read};

/// Files that are not held to the words. This test quotes them.
const UNFINISHED: [&str; 1] = ["tests/docs/"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    phrase: Vec<Phrase>,
}

/// One habit: how it is spelled, what to write instead, and why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Phrase {
    words: Vec<String>,
    write: String,
    why: String,
}

fn table() -> Vec<Phrase> {
    toml::from_str::<Table>(&read("tests/docs/house_words.toml").text).unwrap().phrase
}

/// The words of a file with their lines, without case and punctuation. `None` separates what is not one text.
fn words(source: &Source) -> Vec<(usize, Option<String>)> {
    let lines = if Path::new(&source.path).extension().is_some_and(|extension| extension == "rs") {
        rust_text::lines(&source.text)
    } else {
        source.text.lines().map(str::to_owned).collect()
    };
    let mut words = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let is_word = |letter: char| letter.is_alphanumeric() || "_'’".contains(letter);
        let mut is_argument = false;
        for piece in line.split_inclusive(|letter: char| !is_word(letter)) {
            let word = piece.trim_matches(|letter: char| !is_word(letter)).to_lowercase();
            if !word.is_empty() && !is_argument {
                words.push((index + 1, Some(word.trim_end_matches("'s").to_owned())));
            }
            // The name of a variable in a format string is code.
            is_argument = piece.ends_with('{');
            if piece.ends_with(['.', ',', ';', ':', '?', '!', '(', ')', '`', '"', '|']) {
                words.push((index + 1, None));
            }
        }
        if line.trim().is_empty() {
            words.push((index + 1, None));
        }
    }
    words
}

/// The lines on which a phrase stands.
fn lines_with(phrase: &str, words: &[(usize, Option<String>)]) -> Vec<usize> {
    let phrase: Vec<&str> = phrase.split(' ').collect();
    let stands = |window: &&[(usize, Option<String>)]| {
        window.iter().map(|(_, word)| word.as_deref()).eq(phrase.iter().map(|word| Some(*word)))
    };
    words
        .windows(phrase.len())
        .filter(stands)
        .filter_map(|window| window.first())
        .map(|(line, _)| *line)
        .collect()
}

#[test]
fn pages_comments_messages_and_names_keep_to_the_house_words() {
    let table = table();
    let mut found = Vec::new();
    let is_held = |source: &&Source| !UNFINISHED.iter().any(|place| source.path.starts_with(place));
    for source in all(&[".rs", ".md"]).iter().filter(is_held) {
        let words = words(source);
        for phrase in &table {
            for spelling in &phrase.words {
                for line in lines_with(spelling, &words) {
                    let Phrase { write, why, .. } = phrase;
                    found.push(format!("{}:{line}: \"{spelling}\": write: {write}. {why}", source.path));
                }
            }
        }
    }
    found.sort();
    found.dedup();
    assert!(
        found.is_empty(),
        "{} phrases that this project does not write:\n{}",
        found.len(),
        found.join("\n")
    );
}

#[test]
fn every_phrase_is_in_the_table_once_and_in_the_form_that_is_looked_for() {
    let table = table();
    assert!(table.len() >= 40);
    let spellings: Vec<_> = table.iter().flat_map(|phrase| &phrase.words).collect();
    assert_eq!(spellings.iter().collect::<BTreeSet<_>>().len(), spellings.len());
    assert!(spellings.iter().all(|spelling| **spelling == spelling.trim().to_lowercase()));
}

#[test]
fn a_phrase_is_found_across_lines_and_in_names_but_not_in_code() {
    let text = "// By\n// plan.\nfn sent_by_plan() {\n    by.plan()\n}\n// By. Plan";
    let source = Source { path: "a.rs".to_owned(), text: text.to_owned() };
    assert_eq!(lines_with("by plan", &words(&source)), [1, 3]);
}
