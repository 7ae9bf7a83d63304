//! Empty: the examples are programs. `cargo run --example quickstart` runs one.

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
    fn the_quickstart_has_at_most_a_quarter_more_lines_than_its_python_counterpart() {
        let rust = lines(include_str!("quickstart.rs"), |line| line.starts_with("//"));
        let python = without_docstrings(include_str!("quickstart.py"));
        let python = lines(&python, |line| line.starts_with('#'));
        assert!(python > 40, "counted only {python} lines of Python");
        assert!(rust * 4 <= python * 5, "{rust} lines of Rust for {python} of Python");
    }
}
