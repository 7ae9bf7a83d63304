//! The rules of `docs/semantics.md` and who cites them.

use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter};

use crate::sources::{Source, all, read};

/// A rule, such as `S38`, or one part of it, such as `S38a`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Id {
    number: u32,
    part: Option<char>,
}

impl Id {
    /// Reads an id that `text` begins with, without its `S`. Anything else that continues the word is no id.
    fn parse(text: &str) -> Option<(Self, &str)> {
        let digits = text.len() - text.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
        let (number, rest) = text.split_at(digits);
        let number = number.parse().ok().filter(|_| digits <= 3)?;
        let part = rest.chars().next().filter(char::is_ascii_lowercase);
        let rest = rest.strip_prefix(|letter: char| Some(letter) == part).unwrap_or(rest);
        let ends = !rest.starts_with(|letter: char| letter.is_alphanumeric());
        ends.then_some((Self { number, part }, rest))
    }

    fn anchor(self) -> String {
        self.to_string().to_lowercase()
    }
}

impl Display for Id {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "S{}{}", self.number, self.part.map(String::from).unwrap_or_default())
    }
}

/// The numbers of all rules.
pub(crate) fn numbers() -> BTreeSet<u32> {
    rules().into_iter().map(|(id, _)| id.number).collect()
}

/// Each line that begins with `- [S…]`, in order.
fn rules() -> Vec<(Id, String)> {
    let page = read("docs/semantics.md");
    let rules: Vec<_> = page
        .lines()
        .filter_map(|(_, line)| {
            let (id, rest) = Id::parse(line.strip_prefix("- [S")?).unwrap();
            Some((id, rest.strip_prefix("] ").unwrap().to_owned()))
        })
        .collect();
    assert!(rules.len() > 100, "{} rules and parts are found", rules.len());
    rules
}

fn ids() -> BTreeSet<Id> {
    rules().into_iter().map(|(id, _)| id).collect()
}

/// Every `S38a` in a text, and every `_s38a` in a name.
fn cited(line: &str) -> impl Iterator<Item = (usize, Id)> {
    line.match_indices(['S', 's']).filter_map(|(at, letter)| {
        let before = line[..at].chars().next_back();
        let begins = match letter {
            "S" => before.is_none_or(|before| !before.is_alphanumeric() && !"_-".contains(before)),
            _ => before == Some('_'),
        };
        let (id, _) = Id::parse(&line[at + 1..]).filter(|_| begins)?;
        Some((at, id))
    })
}

#[test]
fn every_rule_is_numbered_in_order_and_can_be_linked() {
    let rules = rules();
    assert!(rules.is_sorted_by(|(one, _), (next, _)| one < next));
    let page = read("docs/semantics.md").text;
    for (id, text) in &rules {
        let anchor = format!("<a id=\"{}\"></a>", id.anchor());
        assert!(text.starts_with(&anchor), "{id}: begin its text with {anchor}");
        let link = format!("[{id}]: #{}", id.anchor());
        assert!(page.lines().any(|line| line == link), "{id}: add {link} to the end of the page");
    }
}

#[test]
fn every_citation_is_of_a_rule_that_exists() {
    let ids = ids();
    let wrong: Vec<_> = all(&[".rs", ".md"])
        .iter()
        .flat_map(|source| source.lines().map(move |(number, line)| (&source.path, number, line)))
        .flat_map(|(path, number, line)| cited(line).map(move |(_, id)| (path, number, id)))
        .filter(|(_, _, id)| !ids.contains(id))
        .map(|(path, number, id)| format!("{path}:{number}: {id}"))
        .collect();
    assert!(wrong.is_empty(), "no such rules in docs/semantics.md:\n{}", wrong.join("\n"));
}

#[test]
fn every_citation_in_the_guide_is_a_link_to_its_rule() {
    let mut bare = Vec::new();
    for page in
        all(&[".md"]).iter().filter(|page| page.path.starts_with("docs/") && page.path != "docs/semantics.md")
    {
        for (number, line) in page.lines() {
            for (at, id) in cited(line).filter(|(at, _)| line[*at..].starts_with('S')) {
                let label = format!("[{id}]");
                let is_label = at > 0 && line[at - 1..].starts_with(&label);
                let is_defined = page.text.contains(&format!("\n{label}: semantics.md#{}\n", id.anchor()));
                if !(is_label && is_defined) {
                    bare.push(format!("{}:{number}: {id}", page.path));
                }
            }
        }
    }
    assert!(bare.is_empty(), "write [S1] and, at the end, [S1]: semantics.md#s1\n{}", bare.join("\n"));
}

#[test]
fn every_rule_and_every_part_is_cited_by_a_test() {
    let ids = ids();
    let tests = all(&[".rs"]);
    let cited: BTreeSet<Id> = tests.iter().flat_map(by_tests).collect();
    let has_parts = |id: Id| id.part.is_none() && ids.contains(&Id { part: Some('a'), ..id });
    let missing: Vec<_> = ids.iter().filter(|id| !has_parts(**id) && !cited.contains(id)).collect();
    assert!(missing.is_empty(), "cited by no test: {missing:?}");
}

/// Citations in names of functions, and in tables of tests (`/// | S2a | …`).
fn by_tests(source: &Source) -> impl Iterator<Item = Id> {
    let is_of_a_test = |line: &&str| {
        let line = line.trim_start();
        let declares = ["fn ", "async fn "].iter().any(|word| line.starts_with(word));
        declares || line.starts_with("/// | S")
    };
    source.text.lines().filter(is_of_a_test).flat_map(|line| cited(line).map(|(_, id)| id))
}
