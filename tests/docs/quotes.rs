//! The code that a chapter quotes from an example is in that example.

use crate::sources::{all, read};

/// The chapter, and the directory of the example that it quotes.
const QUOTES: [(&str, &str); 1] = [("docs/serving-a-model.md", "examples/embeddings/src/")];

/// The lines of each Rust block, with the number of its fence.
fn blocks(text: &str) -> Vec<(usize, Vec<&str>)> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        if line.starts_with("```") {
            let block = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
            if line.starts_with("```rust") {
                blocks.push((index + 1, block));
            }
        }
    }
    blocks
}

/// Whether these lines follow each other in a file. A quote may stand further left than its original.
fn is_quote(block: &[&str], file: &str) -> bool {
    let lines: Vec<_> = file.lines().map(str::trim_end).collect();
    let length = |lines: &[&str]| lines.first().map_or(0, |line| line.len());
    lines.windows(block.len()).any(|original| {
        let indent = length(original).saturating_sub(length(block));
        original.iter().zip(block).all(|(original, line)| {
            let left_out = original.strip_suffix(line);
            left_out.is_some_and(|left_out| {
                left_out.trim().is_empty() && (left_out.len() == indent || line.is_empty())
            })
        })
    })
}

#[test]
fn quoted_code_is_in_its_example() {
    for (chapter, example) in QUOTES {
        let sources = all(&[".rs"]);
        let sources: Vec<_> = sources.iter().filter(|source| source.path.starts_with(example)).collect();
        let page = read(chapter);
        let blocks = blocks(&page.text);
        assert!(blocks.len() > 3, "{chapter} has {} Rust blocks: they are not found right", blocks.len());
        for (number, block) in blocks {
            let is_found = sources.iter().any(|source| is_quote(&block, &source.text));
            assert!(is_found, "{chapter}:{number}: not in {example}:\n{}", block.join("\n"));
        }
    }
}

#[test]
fn a_quote_that_differs_is_found_out() {
    let file = "fn main() {\n    let one = 1;\n\n    let two = 2;\n}\n";
    assert!(is_quote(&["let one = 1;", "", "let two = 2;"], file));
    assert!(!is_quote(&["let one = 1;", "let two = 2;"], file));
    assert!(!is_quote(&["let one = 1;", "", "let two = 3;"], file));
    assert!(!is_quote(&["  let one = 1;", "let two = 2;"], file));
}
