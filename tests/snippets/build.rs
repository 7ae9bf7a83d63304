//! Takes the Rust snippets from the pages, each with the lines that only the compiler needs.
//!
//! A page shows a snippet in a fence that says `rust`. Lines that no reader needs stand in an HTML comment right above
//! it, which begins with `<!-- snippet` and ends with `-->`. The snippet takes the place of its line `...`, or follows
//! the comment if there is no such line.

use std::env;
use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::Path;

const PAGES: [&str; 11] = [
    "README.md",
    "docs/README.md",
    "docs/declaring.md",
    "docs/failures.md",
    "docs/guidelines.md",
    "docs/health-checks.md",
    "docs/manual-checks.md",
    "docs/supervision.md",
    "docs/testing.md",
    "fal-host/README.md",
    "fal-runtime/README.md",
];

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../..");
    let mut modules = String::new();
    for page in PAGES {
        let path = root.join(page);
        println!("cargo::rerun-if-changed={}", path.display());
        for snippet in snippets(page, &fs::read_to_string(path)?)? {
            let name = page.trim_end_matches(".md").replace(['/', '-'], "_").to_lowercase();
            writeln!(modules, "mod {name}_line_{} {{\n{}\n}}", snippet.line, snippet.code)?;
        }
    }
    let file = Path::new(&env::var("OUT_DIR")?).join("snippets.rs");
    fs::write(file, modules)?;
    Ok(())
}

struct Snippet {
    /// Where its fence is.
    line: usize,
    code: String,
}

fn snippets(page: &str, text: &str) -> Result<Vec<Snippet>, String> {
    let mut snippets = Vec::new();
    let mut lines = text.lines().enumerate();
    let mut around = None;
    while let Some((index, line)) = lines.next() {
        let line_number = index + 1;
        let wrong = |rule: &str| Err(format!("{page}:{line_number}: {rule}"));
        let mut block =
            |end| lines.by_ref().map(|(_, line)| line).take_while(|line| *line != end).collect::<Vec<_>>();
        match line {
            "<!-- snippet" => around = Some(block("-->")),
            "```rust" => {
                let shown = block("```");
                if shown.iter().any(|line| *line == "#" || line.starts_with("# ")) {
                    return wrong("`# ` hides no line from readers; put it into a comment `<!-- snippet`");
                }
                let mut code = around.take().unwrap_or_default();
                let place = code.iter().position(|line| *line == "...");
                let place = place.map_or(code.len()..code.len(), |place| place..place + 1);
                code.splice(place, shown);
                snippets.push(Snippet { line: line_number, code: code.join("\n") });
            }
            _ if line.starts_with("```rust") => return wrong("write ```rust without anything after it"),
            _ if around.is_some() => return wrong("a comment `<!-- snippet` stands right above its fence"),
            _ => {}
        }
    }
    Ok(snippets)
}
