//! Nothing here: the examples are programs. `cargo run --example quickstart` runs one.

#[cfg(test)]
mod tests {
    /// The lines that say something: no blank ones, no comments, no derives, and none of only closing brackets.
    fn lines(program: &str, is_comment: impl Fn(&str) -> bool) -> usize {
        let says = |line: &&str| {
            let is_closing = line.chars().all(|letter| ")]};,>".contains(letter));
            !is_closing && !line.starts_with("#[derive(") && !is_comment(line)
        };
        program.lines().map(str::trim).filter(says).count()
    }

    /// Without its documentation, which is comments in Rust.
    fn without_docstrings(program: &str) -> String {
        program.split("\"\"\"").step_by(2).collect()
    }

    #[test]
    fn the_quickstart_has_at_most_a_quarter_more_lines_than_its_python_original() {
        let ours = lines(include_str!("quickstart.rs"), |line| line.starts_with("//"));
        let original = without_docstrings(include_str!("quickstart.py"));
        let original = lines(&original, |line| line.starts_with('#'));
        assert!(original > 40, "the original has {original} lines: they are not counted right");
        assert!(ours * 4 <= original * 5, "{ours} lines instead of {original}");
    }
}
