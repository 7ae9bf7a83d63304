//! Where the program of this process is on disk.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::{env, io};

/// What Linux appends to the path of a program whose file was removed or replaced.
const REMOVED: &[u8] = b" (deleted)";

/// The path with which this process was started. A new version of the program is found there: symbolic links on the way are
/// followed when it is used.
///
/// It is looked up once. Call it before the working directory changes.
pub(crate) fn own_program() -> io::Result<PathBuf> {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    if let Some(path) = PATH.get() {
        return Ok(path.clone());
    }
    let running = env::current_exe()?;
    let called = env::args_os().next().unwrap_or_default();
    let search = env::var_os("PATH").unwrap_or_default();
    Ok(PATH.get_or_init(|| resolve(&called, &search, running)).clone())
}

/// The path by which a program was called, if the running program was there, and otherwise the path of the running program.
fn resolve(called: &OsStr, search: &OsStr, running: PathBuf) -> PathBuf {
    let running = without_mark(running);
    let is_path = called.as_bytes().contains(&b'/');
    let candidates: Vec<PathBuf> = match called {
        _ if called.is_empty() => Vec::new(),
        path if is_path => vec![PathBuf::from(path)],
        name => env::split_paths(search).map(|directory| directory.join(name)).collect(),
    };
    // The first entry of `argv` is only a custom: a program may have been given any.
    let is_running = |path: &PathBuf| path.canonicalize().is_ok_and(|path| path == running);
    let found = candidates.into_iter().filter_map(|path| std::path::absolute(path).ok()).find(is_running);
    found.unwrap_or(running)
}

fn without_mark(path: PathBuf) -> PathBuf {
    match path.as_os_str().as_bytes().strip_suffix(REMOVED) {
        Some(named) if !Path::new(&path).exists() => OsString::from_vec(named.to_vec()).into(),
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_on_the_way_to_the_program_stays_so_that_a_new_version_is_found_s71c() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        fs::create_dir(root.join("1")).unwrap();
        fs::write(root.join("1/app"), "").unwrap();
        symlink("1", root.join("current")).unwrap();
        let (running, called) = (root.join("1/app"), root.join("current/app"));
        let search = env::join_paths([Path::new("/nowhere"), &root.join("current")]).unwrap();
        let resolve = |name: &Path| resolve(name.as_os_str(), &search, running.clone());
        assert_eq!(resolve(&called), called);
        assert_eq!(resolve(Path::new("app")), called);
        for other in ["", "another-name", "/proc/self/exe/app", "/bin/sh"] {
            assert_eq!(resolve(Path::new(other)), running, "{other}");
        }
    }

    #[test]
    fn a_program_whose_file_was_replaced_is_found_without_the_mark_s71c() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("app");
        let marked = directory.path().join("app (deleted)");
        assert_eq!(without_mark(marked.clone()), path);
        fs::write(&marked, "").unwrap();
        assert_eq!(without_mark(marked.clone()), marked, "it has this name");
    }
}
