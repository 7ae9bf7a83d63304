//! The programs that take part, and where they are.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// A program of this project, from the directory that the variable `BENCH_PROGRAMS` names, or built beside this one.
pub(crate) fn own(name: &str) -> Result<Command> {
    let beside = std::env::current_exe()?.parent().map(Path::to_owned).unwrap_or_default();
    let named = std::env::var_os("BENCH_PROGRAMS").map(PathBuf::from);
    let mut paths = named.into_iter().chain([beside.clone()]).map(|directory| directory.join(name));
    match paths.find(|path| path.exists()) {
        Some(path) => Ok(Command::new(path)),
        None => bail!("{} is missing: build it with `benches/run`", beside.join(name).display()),
    }
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
