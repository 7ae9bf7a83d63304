//! The machine that measures: what it is, and its limit on open files.

use std::fs;
use std::process::Command;

use anyhow::Result;
use rustix::process::{Resource, Rlimit, getrlimit, setpriority_process, setrlimit};

use crate::programs;
use crate::rounds::Rounds;

/// How many files this program and its children may open: those of 10,000 connections, twice.
const OPEN_FILES: u64 = 40_000;

/// Raises the limit on open files of this program and its children, as far as the system allows.
pub(crate) fn raise_open_files() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    let wanted = Rlimit { current: Some(OPEN_FILES), maximum: Some(OPEN_FILES) };
    if limit.current.is_some_and(|current| current < OPEN_FILES)
        && setrlimit(Resource::Nofile, wanted).is_err()
    {
        setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?;
    }
    Ok(())
}

/// Lets this program and its children run before others, where the system allows it.
pub(crate) fn raise_priority() {
    if setpriority_process(None, -20).is_err() {
        eprintln!("without root, other programs disturb the measurements more");
    }
}

/// What figures were measured on and with, and in which rounds, if in any.
pub(crate) fn describe(rounds: Option<&Rounds>) -> Result<String> {
    let cpus = fs::read_to_string("/proc/cpuinfo")?;
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let cores = cpus.lines().filter(|line| line.starts_with("processor")).count();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let rustc = String::from_utf8(Command::new("rustc").arg("--version").output()?.stdout)?;
    let medians = rounds.map_or_else(String::new, |rounds| {
        format!("medians of {} rounds of {} s, ", rounds.count, rounds.duration.as_secs_f64())
    });
    Ok(format!(
        "Measured: {medians}on {cores} cores of {}, with Linux {}, {}, {} and {}.",
        model.trim_start_matches([' ', '\t', ':']),
        kernel.trim().split('-').next().unwrap_or_default(),
        rustc.split(" (").next().unwrap_or_default(),
        programs::version("haproxy")?,
        programs::version("nginx")?,
    ))
}
