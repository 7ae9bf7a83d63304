//! An explanation, and how it writes times and amounts.

use std::fmt;
use std::time::SystemTime;

/// An explanation: a headline, and sentences of which most cite a rule.
#[derive(Debug)]
pub(super) struct Explanation {
    headline: String,
    sentences: Vec<Sentence>,
    pub(super) output: Vec<String>,
}

#[derive(Debug)]
struct Sentence {
    text: String,
    /// The rule of the semantics page, such as `S33a`. `None` for a bare fact.
    rule: Option<&'static str>,
}

impl Explanation {
    pub(super) fn new(headline: String) -> Self {
        Self { headline, sentences: Vec::new(), output: Vec::new() }
    }

    /// Adds a sentence that follows from a rule.
    pub(super) fn rule(&mut self, rule: &'static str, text: impl Into<String>) {
        self.sentences.push(Sentence { text: text.into(), rule: Some(rule) });
    }

    /// Adds a fact.
    pub(super) fn fact(&mut self, text: impl Into<String>) {
        self.sentences.push(Sentence { text: text.into(), rule: None });
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.headline)?;
        for Sentence { text, rule } in &self.sentences {
            match rule {
                Some(rule) => writeln!(f, "- {text} [{rule}]")?,
                None => writeln!(f, "- {text}")?,
            }
        }
        if !self.output.is_empty() {
            writeln!(f, "It printed last:")?;
        }
        self.output.iter().try_for_each(|line| writeln!(f, "  | {line}"))?;
        writeln!(f, "The rules in brackets are in docs/semantics.md.")
    }
}

/// A time of day as the log has it.
pub(super) fn time(at: SystemTime) -> String {
    humantime::format_rfc3339_seconds(at).to_string()
}

/// A number and a noun in the singular or plural.
pub(super) fn counted(count: impl Into<u64>, noun: &str) -> String {
    let count = count.into();
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
