//! Links between pages lead to files and headings that exist.

use std::collections::BTreeSet;

use crate::sources::{Source, all, root};

/// The targets of `[text](target)` and `[label]: target` outside code, as written.
fn targets(source: &Source) -> Vec<(usize, String)> {
    let mut in_code = false;
    let mut targets = Vec::new();
    for (number, line) in source.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        let definition = line.strip_prefix('[').and_then(|line| line.split_once("]: "));
        targets.extend(definition.map(|(_, target)| (number, target.to_owned())));
        let found = line.match_indices("](").filter_map(|(at, _)| line[at + 2..].split_once(')'));
        targets.extend(found.map(|(target, _)| (number, target.to_owned())));
    }
    targets
}

/// What `#…` can name in a page: explicit anchors, and headings as forges spell them.
fn anchors(text: &str) -> BTreeSet<String> {
    let explicit =
        text.split("<a id=\"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned);
    let headings = text.lines().filter(|line| line.starts_with('#')).map(|line| {
        let kept = |letter: char| letter.is_alphanumeric() || " -_".contains(letter);
        line.trim_start_matches('#')
            .trim()
            .to_lowercase()
            .chars()
            .filter(|it| kept(*it))
            .collect::<String>()
            .replace(' ', "-")
    });
    explicit.chain(headings).collect()
}

#[test]
fn every_link_between_pages_leads_somewhere() {
    let pages = all(&[".md"]);
    let mut broken = Vec::new();
    for page in pages.iter().filter(|page| !page.path.starts_with("fal-runtime/src/docs/")) {
        for (number, target) in targets(page) {
            if target.contains("://") {
                continue;
            }
            let (path, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let file = match path {
                "" => root().join(&page.path),
                path => root().join(&page.path).with_file_name("").join(path),
            };
            let text = std::fs::read_to_string(&file);
            let leads = match (&text, anchor) {
                (_, "") => file.exists(),
                (Ok(text), anchor) => anchors(text).contains(anchor),
                (Err(_), _) => false,
            };
            if !leads {
                broken.push(format!("{}:{number}: {target}", page.path));
            }
        }
    }
    assert!(broken.is_empty(), "these links lead nowhere:\n{}", broken.join("\n"));
}

/// Where paths begin that a page names in backticks.
const PLACES: [&str; 7] =
    ["fal-health/", "fal-host/", "fal-macros/", "fal-runtime/", "docs/", "examples/", "tests/"];

#[test]
fn every_file_that_a_page_names_exists() {
    let mut missing = Vec::new();
    for page in all(&[".md"]).iter().filter(|page| page.path != "CHANGELOG.md") {
        for (number, line) in page.lines() {
            let code = line.split('`').skip(1).step_by(2).filter_map(|code| code.split_whitespace().next());
            for path in code.filter(|code| PLACES.iter().any(|place| code.starts_with(place))) {
                if !path.contains('…') && !root().join(path).exists() {
                    missing.push(format!("{}:{number}: {path}", page.path));
                }
            }
        }
    }
    assert!(missing.is_empty(), "there are no such files:\n{}", missing.join("\n"));
}
