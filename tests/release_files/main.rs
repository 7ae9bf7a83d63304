//! Writes the manual page of `fal-host` and the completions of its command line, for packages.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;
use clap_complete::Shell;

/// Writes `fal-host.1` and a file for each shell.
#[derive(Debug, Parser)]
struct Options {
    /// Where to write them
    #[arg(default_value = "target/release-files")]
    directory: PathBuf,
}

fn main() -> std::io::Result<()> {
    let Options { directory } = Options::parse();
    write(fal_host::cli::command(), &directory)
}

fn write(command: clap::Command, directory: &Path) -> std::io::Result<()> {
    fs::create_dir_all(directory)?;
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    fs::write(directory.join("fal-host.1"), page)?;
    for shell in [Shell::Bash, Shell::Fish, Shell::Zsh] {
        let path = clap_complete::generate_to(shell, &mut command.clone(), "fal-host", directory)?;
        println!("{}", path.display());
    }
    println!("{}", directory.join("fal-host.1").display());
    Ok(())
}
