//! Instructions per request, check and event, as callgrind counts them in user space. They hardly differ between machines,
//! so a limit on them can be kept in the repository: `benches/instructions.txt`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use fal_health::protocol::Address;
use tempfile::TempDir;

use crate::child::Child;
use crate::client::post;
use crate::{programs, servers};

/// How much a count may grow before `--check` fails.
const TOLERANCE: f64 = 1.03;

/// The same for checks. They are made by time, so how often a program wakes depends on the machine.
const TOLERANCE_OF_CHECKS: f64 = 1.15;

/// What is done in the shorter of two runs, and twice in the longer one. The difference has no start and no end.
const REQUESTS: u64 = 2000;
const CHECKS: u64 = 600;
const MONITOR_CHECKS: u64 = 20_000;

/// The hosts that make checks: 200 checks a second.
const RUNNERS: &str = "100";
const INTERVAL_MS: &str = "500";

/// Runs a program twice, and returns its instructions per unit of work.
type Count = fn() -> Result<u64>;

/// What is counted of this project, with the name of the line in the file.
const OURS: [(&str, Count); 4] = [
    ("endpoint", || endpoint(&["bench-app", "serve", "--listen"])),
    ("hop", hop),
    ("check", || check(servers::HOST_OF_MANY)),
    ("monitor", monitor),
];

/// What is counted of other programs, to compare with.
const PEERS: [(&str, Count); 4] = [
    ("endpoint-axum", || endpoint(&["bench-peer", "axum"])),
    ("endpoint-hyper", || endpoint(&["bench-peer", "hyper"])),
    ("hop-hyper", hop_of_hyper),
    ("check-prober", || check(servers::PROBER)),
];

/// Counts what has these names, or everything. `check` fails if a count of this project is larger than the file allows, and counts nothing
/// else; `write` writes the file.
pub(crate) fn run(names: &[String], check: bool, write: bool) -> Result<()> {
    programs::installed("valgrind")?;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.txt");
    let kept = parse(&fs::read_to_string(&path).context("cannot read benches/instructions.txt")?);
    let mut counts = kept.clone();
    let counted: Vec<_> = OURS.iter().chain(if check { &[][..] } else { &PEERS }).collect();
    if let Some(unknown) = names.iter().find(|name| !counted.iter().any(|(known, _)| known == name)) {
        let known: Vec<_> = counted.iter().map(|(name, _)| *name).collect();
        bail!("unknown count `{unknown}`: expected one of {}", known.join(", "));
    }
    println!("{:<16}{:>10}{:>10}{:>8}", "instructions", "kept", "now", "ratio");
    for (name, count) in counted {
        if !names.is_empty() && !names.iter().any(|wanted| wanted == name) {
            continue;
        }
        let now = count().with_context(|| format!("cannot count {name}"))?;
        counts.insert((*name).to_owned(), now);
        let was = kept.get(*name).copied().unwrap_or(now);
        println!("{name:<16}{was:>10}{now:>10}{:>8.3}", ratio(now, was));
    }
    if write {
        fs::write(&path, print(&counts))?;
    }
    let grown = |(name, was): (&String, &u64)| {
        let now = *counts.get(name)?;
        let tolerance = if name.starts_with("check") { TOLERANCE_OF_CHECKS } else { TOLERANCE };
        (ratio(now, *was) > tolerance).then(|| format!("{name} takes {now} instructions, {was} before"))
    };
    let grown: Vec<_> = kept.iter().filter_map(grown).collect();
    if check && !grown.is_empty() {
        bail!(
            "{}\nA count may grow by 3 %, and that of checks by 15 %. Where the growth is worth it, run `benches/run instructions --write` and say \
             in the commit why.",
            grown.join("\n")
        );
    }
    Ok(())
}

/// The quotient of two counts.
#[expect(clippy::cast_precision_loss, reason = "counts of instructions are far below 2^52")]
fn ratio(now: u64, was: u64) -> f64 {
    now as f64 / was as f64
}

fn parse(text: &str) -> BTreeMap<String, u64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.split_once(' '))
        .filter_map(|(name, n)| Some((name.to_owned(), n.parse().ok()?)))
        .collect()
}

fn print(counts: &BTreeMap<String, u64>) -> String {
    let head =
        "# Instructions per request, check and event. `benches/run instructions --write` writes this file.\n";
    counts.iter().fold(head.to_owned(), |text, (name, count)| format!("{text}{name} {count}\n"))
}

/// A program under callgrind, which writes its count when it ends.
struct Counted {
    program: Child,
    output: PathBuf,
}

impl Counted {
    fn start(command: &Command, directory: &Path) -> Result<Self> {
        let output = directory.join("callgrind.out");
        let mut valgrind = Command::new(programs::installed("valgrind")?);
        valgrind
            .args(["--quiet", "--tool=callgrind"])
            .arg(format!("--callgrind-out-file={}", output.display()));
        valgrind.arg(command.get_program()).args(command.get_args());
        valgrind.env("FAL_LOG", "warn");
        Ok(Self { program: Child::start(&valgrind, "0", Stdio::null())?, output })
    }

    /// Ends the program, and returns how many instructions it has executed.
    fn stop(self) -> Result<u64> {
        let Self { program, output } = self;
        program.stop(Duration::from_secs(60))?;
        total(&output)
    }
}

fn total(output: &Path) -> Result<u64> {
    let text = fs::read_to_string(output).context("callgrind has written nothing")?;
    let line =
        text.lines().find_map(|line| line.strip_prefix("totals: ")).context("callgrind wrote no total")?;
    Ok(line.trim().parse()?)
}

/// The difference of the counts for one and for two times the work, per unit of work.
fn difference(work: u64, count: impl Fn(u64) -> Result<u64>) -> Result<u64> {
    Ok((count(2 * work)? - count(work)?) / work)
}

/// Sends requests to a process, each when all of its threads wait. Otherwise, whether a request is there before the process
/// waits for it would be a matter of speed, and of 5 % of the instructions.
fn send(address: &Address, requests: u64, process: u32) -> Result<()> {
    let mut load = programs::beside("bench-load")?;
    load.arg(address.to_string()).args(["--connections", "1", "--requests", &requests.to_string()]);
    load.args(["--when-idle", &process.to_string()]);
    Child::start(&load, "1", Stdio::null())?.wait()
}

/// Counts a server that takes its address as its last argument.
fn endpoint(words: &[&str]) -> Result<u64> {
    let [program, arguments @ ..] = words else { bail!("no program") };
    difference(REQUESTS, |requests| {
        let directory = TempDir::new()?;
        let address = Address::Unix(directory.path().join("socket"));
        let mut command = programs::own(program)?;
        command.args(arguments).arg(address.to_string());
        count_requests(&command, &address, requests, directory.path())
    })
}

fn count_requests(command: &Command, address: &Address, requests: u64, directory: &Path) -> Result<u64> {
    let counted = Counted::start(command, directory)?;
    servers::wait_until_ready(address)?;
    send(address, requests, counted.program.pid())?;
    counted.stop()
}

fn hop() -> Result<u64> {
    difference(REQUESTS, |requests| {
        let listen = servers::free_address()?;
        count_requests(&servers::app_host(listen)?, &Address::Tcp(listen), requests, TempDir::new()?.path())
    })
}

fn hop_of_hyper() -> Result<u64> {
    difference(REQUESTS, |requests| {
        let directory = TempDir::new()?;
        let (runner, to) = servers::runner(servers::Backend::Unix, directory.path(), "1")?;
        let listen = servers::free_address()?;
        let count = count_requests(
            &servers::hyper_hop(listen, &to)?,
            &Address::Tcp(listen),
            requests,
            directory.path(),
        );
        drop(runner);
        count
    })
}

/// Counts a program that makes checks.
fn check(words: [&str; 2]) -> Result<u64> {
    let (short, long) = (count_checks(words, CHECKS)?, count_checks(words, 2 * CHECKS)?);
    ensure!(long.0 > short.0, "no checks");
    Ok((long.1 - short.1) / (long.0 - short.0))
}

/// How many checks there were, at least `wanted`, and how many instructions the program has executed.
fn count_checks(words: [&str; 2], wanted: u64) -> Result<(u64, u64)> {
    let directory = TempDir::new()?;
    let (server, socket) = servers::health(directory.path(), "1")?;
    let address = Address::Unix(socket.clone());
    let command = servers::making_checks(words, &socket, [RUNNERS, INTERVAL_MS])?;
    let counted = Counted::start(&command, directory.path())?;
    let checks = || -> Result<u64> { Ok(post(&address, "/count")?.parse()?) };
    while checks()? < wanted {
        std::thread::sleep(Duration::from_millis(5));
    }
    let instructions = counted.stop()?;
    let checks = checks()?;
    drop(server);
    Ok((checks, instructions))
}

/// Two events of a monitor: a tick and a pass.
fn monitor() -> Result<u64> {
    difference(MONITOR_CHECKS, |checks| {
        let directory = TempDir::new()?;
        let mut command = programs::own("bench-app")?;
        command.arg("monitor").arg(checks.to_string());
        let Counted { program, output } = Counted::start(&command, directory.path())?;
        program.wait()?;
        total(&output)
    })
}
