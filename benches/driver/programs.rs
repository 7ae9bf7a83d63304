//! The programs that take part, and where they are.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// A program that is measured, from the directory that the variable `BENCH_PROGRAMS` names, or built beside this one.
pub(crate) fn own(name: &str) -> Result<Command> {
    match std::env::var_os("BENCH_PROGRAMS") {
        Some(directory) => built(&PathBuf::from(directory), name),
        None => beside(name),
    }
}

/// A program that helps to measure, built beside this one.
pub(crate) fn beside(name: &str) -> Result<Command> {
    let this = std::env::current_exe()?;
    built(this.parent().context("this program is in no directory")?, name)
}

fn built(directory: &Path, name: &str) -> Result<Command> {
    let path = directory.join(name);
    ensure!(path.exists(), "{} is missing: build it with `benches/run`", path.display());
    Ok(Command::new(path))
}

/// A program of Debian's, from the package of the same name.
pub(crate) fn installed(name: &str) -> Result<PathBuf> {
    let directories = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"];
    let mut paths = directories.iter().map(|directory| Path::new(directory).join(name));
    paths
        .find(|path| path.exists())
        .with_context(|| format!("{name} is missing: run `apt-get install {name}`"))
}

/// The first line that a program prints about its version.
pub(crate) fn version(name: &str) -> Result<String> {
    let output = Command::new(installed(name)?).arg("-v").output()?;
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    // HAProxy writes a date behind its version.
    let words = text.lines().next().unwrap_or_default().split_whitespace();
    let is_date = |word: &str| word.starts_with(|first: char| first.is_ascii_digit()) && word.contains('/');
    let words = words.take_while(|word| *word != "-" && !is_date(word));
    Ok(words.collect::<Vec<_>>().join(" ").replace("version: nginx/", ""))
}
