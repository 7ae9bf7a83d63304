//! Builds a program and measures what its own crate costs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::sources::Program;

/// What the crate of one program came to, without its dependencies unless a field says otherwise.
pub(crate) struct Cost {
    /// Lines of LLVM IR, as rustc hands it to LLVM.
    pub(crate) lines: usize,
    /// Functions that are defined in it.
    pub(crate) functions: usize,
    /// The stripped program with one endpoint, dependencies and all, in bytes.
    pub(crate) least: u64,
    /// By how much the program with all endpoints is larger.
    pub(crate) added: u64,
    /// User CPU of its release build, linking included, in clock ticks of 10 ms.
    pub(crate) ticks: u64,
}

/// A program written down as a package of its own.
struct Package {
    name: &'static str,
    directory: PathBuf,
    target: PathBuf,
}

/// Writes a program, builds it and measures; before it the one that it is compared with, which is like it except for having
/// one endpoint.
pub(crate) fn cost(root: &Path, place: &Path, name: &'static str, one: &Program, all: &Program) -> Cost {
    let package = Package { name, directory: place.join(name), target: place.join("target") };
    package.write(root, one);
    package.cargo(&["build", "--release"]);
    let least = package.binary();
    // What it depends on is built now.
    package.write(root, all);
    let before = ticks_of_children();
    package.cargo(&["build", "--release"]);
    let ticks = ticks_of_children() - before;
    let added = package.binary().saturating_sub(least);
    let ir = package.ir();
    let functions = ir.lines().filter(|line| line.starts_with("define ")).count();
    Cost { lines: ir.lines().count(), functions, least, added, ticks }
}

impl Package {
    fn write(&self, root: &Path, program: &Program) {
        fs::create_dir_all(self.directory.join("src")).unwrap();
        let Self { name, .. } = self;
        let dependencies = &program.dependencies;
        let manifest = format!(
            "[package]\nname = \"{name}\"\nedition = \"2024\"\n\n\
             [workspace]\n\n\
             [profile.release]\ncodegen-units = 1\nstrip = true\n\n\
             [dependencies]\n{dependencies}"
        );
        fs::write(self.directory.join("Cargo.toml"), manifest).unwrap();
        fs::write(self.directory.join("src/main.rs"), &program.source).unwrap();
        // The versions that everything else here has.
        fs::copy(root.join("Cargo.lock"), self.directory.join("Cargo.lock")).unwrap();
    }

    fn binary(&self) -> u64 {
        fs::metadata(self.target.join("release").join(self.name)).unwrap().len()
    }

    fn cargo(&self, arguments: &[&str]) {
        let mut cargo = Command::new("cargo");
        cargo.args(arguments).current_dir(&self.directory).env("CARGO_TARGET_DIR", &self.target);
        assert!(cargo.status().unwrap().success(), "{cargo:?}");
    }

    /// Before LLVM has worked on it: what it has to work on.
    fn ir(&self) -> String {
        let ir = self.target.join(format!("{}.ll", self.name));
        let emit = format!("--emit=llvm-ir={}", ir.display());
        let raw = ["-Cno-prepopulate-passes", "-Cpasses=name-anon-globals"];
        self.cargo(&["rustc", "--release", "--", &emit, raw[0], raw[1]]);
        fs::read_to_string(ir).unwrap()
    }
}

/// User CPU of every child that has been waited for, and of theirs.
fn ticks_of_children() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    // The name of the program stands in parentheses and may hold anything; `cutime` is the 14th field after it.
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    fields.split(' ').nth(13).unwrap().parse().unwrap()
}
