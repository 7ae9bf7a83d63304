//! What checks cost: a host of many runners beside a bare prober. All runners are one server.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use fal_health::protocol::Address;
use tempfile::TempDir;

use crate::child::Child;
use crate::client::post;
use crate::cpu::CpuTime;
use crate::{servers, table};

const RUNNERS: u32 = 9500;
const INTERVAL_MS: &str = "15000";

/// How long checks are counted. The host opens a new connection to each runner once in four intervals, so it is measured for as
/// long. The prober does the same in each interval.
const PROBER_MEASURED: Duration = Duration::from_secs(30);
const HOST_MEASURED: Duration = Duration::from_secs(60);

/// How often each program is measured, by turns.
const ROUNDS: u32 = 2;

/// The largest ratio of the CPU times, and the largest memory of a runner in KiB.
const MAX_RATIO: f64 = 1.1;
const MAX_MEMORY: f64 = 18.0;

/// What one program needed, on average of its rounds.
#[derive(Default)]
struct Needed {
    /// CPU time per check, in microseconds.
    cpu: f64,
    /// Memory per runner, in KiB.
    memory: f64,
}

impl Needed {
    /// Adds a round.
    fn add(&mut self, round: &Self) {
        self.cpu += round.cpu / f64::from(ROUNDS);
        self.memory += round.memory / f64::from(ROUNDS);
    }
}

pub(crate) fn compare() -> Result<String> {
    let (mut prober, mut host) = (Needed::default(), Needed::default());
    for _ in 0..ROUNDS {
        prober.add(&measure(servers::PROBER, PROBER_MEASURED)?);
        host.add(&measure(servers::HOST_OF_MANY, HOST_MEASURED)?);
    }
    let mut text = format!(
        "**{RUNNERS} runners, each checked every 15 s**\n\n| | CPU µs/check | ratio | KiB/runner |\n|---|---:|---:|---:|\n"
    );
    for (name, it) in [("hyper", &prober), ("fal-host", &host)] {
        let _ = writeln!(text, "| {name} | {:.1} | {:.2} | {:.1} |", it.cpu, it.cpu / prober.cpu, it.memory);
    }
    let (ratio, memory) = (host.cpu / prober.cpu, host.memory);
    let _ = write!(
        text,
        "\n- CPU time, fal-host / hyper: {ratio:.2}, limit {MAX_RATIO:.2}: {}\n- memory of a runner: {memory:.1} KiB, limit \
         {MAX_MEMORY} KiB: {}\n",
        table::verdict(ratio <= MAX_RATIO),
        table::verdict(memory <= MAX_MEMORY)
    );
    Ok(text)
}

/// The program on one core, the server on the other.
fn measure(words: [&str; 2], measured: Duration) -> Result<Needed> {
    let directory = TempDir::new()?;
    let (_server, socket) = servers::health(directory.path(), "1")?;
    let address = Address::Unix(socket.clone());
    let checks = || -> Result<f64> { Ok(post(&address, "/count")?.parse()?) };
    let command = servers::making_checks(words, &socket, [&RUNNERS.to_string(), INTERVAL_MS])?;
    let program = Child::start(&command, "0", Stdio::null())?;
    // Twice, so that every connection has been used again.
    let deadline = Instant::now() + Duration::from_secs(90);
    while checks()? < f64::from(2 * RUNNERS) {
        if Instant::now() > deadline {
            bail!("{} makes too few checks", words.join(" "));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let (before, counted) = (CpuTime::of(&[program.pid()])?, checks()?);
    std::thread::sleep(measured);
    let used = CpuTime::of(&[program.pid()])?.since(before);
    let counted = checks()? - counted;
    let memory = anonymous_memory(program.pid())? / f64::from(RUNNERS);
    Ok(Needed { cpu: used.total.as_secs_f64() * 1e6 / counted, memory })
}

/// The private memory of a process, without files, in KiB.
fn anonymous_memory(pid: u32) -> Result<f64> {
    let status = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).context("no RssAnon")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
