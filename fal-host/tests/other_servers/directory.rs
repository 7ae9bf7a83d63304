//! Where the command of a server runs, and which file it is, at each launch: S71.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

use super::Program;

/// A release of a server: it tells its name, the directory that it runs in, and its process.
fn release(root: &Path, name: &str) {
    let directory = root.join(name);
    fs::create_dir(&directory).unwrap();
    let server = directory.join("server.sh");
    fs::write(&server, format!("#!/bin/sh\necho \"{name} in $(pwd -P) as $$.\"\nexec sleep 1000\n")).unwrap();
    fs::set_permissions(server, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Makes `current` a link to this release, as deployment tools do it.
fn deploy(root: &Path, name: &str) {
    let next = root.join("next");
    symlink(name, &next).unwrap();
    fs::rename(next, root.join("current")).unwrap();
}

/// Two releases, of which the first one is current.
fn releases() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    release(root.path(), "first");
    release(root.path(), "second");
    deploy(root.path(), "first");
    root
}

fn kill_runner(line: &str) {
    let pid = line.trim_end_matches('.').rsplit(' ').next().unwrap();
    kill_process(Pid::from_raw(pid.parse().unwrap()).unwrap(), Signal::KILL).unwrap();
}

#[test]
fn a_replaced_link_to_the_directory_of_a_release_is_followed_at_the_next_launch_s71a_s71b() {
    let root = releases();
    let directory = format!("--directory={}", root.path().join("current").display());
    let mut host = Program::start(&[&directory], &["./server.sh"]);
    let real = root.path().canonicalize().unwrap();
    let first = host.said(&["first in", real.join("first").to_str().unwrap()]);
    deploy(root.path(), "second");
    kill_runner(&first);
    host.said(&["runner 2 |", "second in", real.join("second").to_str().unwrap()]);
}

#[test]
fn a_replaced_link_in_the_path_of_the_program_is_followed_at_the_next_launch_s71b() {
    let root = releases();
    let mut host = Program::start(&[], &[root.path().join("current/server.sh").to_str().unwrap()]);
    let first = host.said(&["first in"]);
    deploy(root.path(), "second");
    kill_runner(&first);
    host.said(&["runner 2 |", "second in"]);
}

#[test]
fn a_directory_that_is_missing_is_named_in_the_error_and_used_once_it_is_there_s71a() {
    let root = tempfile::tempdir().unwrap();
    let directory = format!("--directory={}", root.path().join("current").display());
    let mut host = Program::start(&[&directory], &["./server.sh"]);
    host.said(&["setup_failed", "cannot run in", root.path().join("current").to_str().unwrap()]);
    release(root.path(), "first");
    deploy(root.path(), "first");
    host.said(&["first in"]);
}
