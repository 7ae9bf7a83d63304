//! One program that takes part in a comparison, and one measurement of it.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use fal_health::protocol::Address;
use serde::Deserialize;
use tempfile::TempDir;

use crate::child::Child;
use crate::cpu::{Bystanders, CpuTime};
use crate::programs;

/// A program whose CPU time is measured.
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    /// Where clients connect.
    pub(crate) address: Address,
    /// The processes that are measured.
    pub(crate) measured: Vec<u32>,
    /// They end with the contender, in this order.
    pub(crate) _children: Vec<Child>,
    /// Holds sockets and configuration files.
    pub(crate) _directory: TempDir,
}

/// What clients do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Workload {
    pub(crate) title: &'static str,
    /// What is counted: requests, or events.
    pub(crate) unit: &'static str,
    pub(crate) path: &'static str,
    pub(crate) connections: usize,
    /// The length of a request body, in bytes.
    pub(crate) body: usize,
    /// Whether responses do not end.
    pub(crate) events: bool,
}

/// One measurement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// CPU time per request or event, in microseconds.
    pub(crate) cpu: f64,
    pub(crate) user: f64,
    pub(crate) per_second: f64,
    /// Latencies, in microseconds.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// What other programs took of one core.
    pub(crate) others: f64,
}

/// What the load generator counted.
#[derive(Deserialize)]
struct Counted {
    count: f64,
    p50_us: Option<f64>,
    p99_us: Option<f64>,
}

impl Contender {
    /// Sends it requests from these cores, and measures.
    pub(crate) fn measure(&self, workload: &Workload, cores: &str, duration: Duration) -> Result<Sample> {
        let mut command = programs::beside("bench-load")?;
        command.arg(self.address.to_string()).args(["--path", workload.path]);
        command.arg("--connections").arg(workload.connections.to_string());
        command.arg("--body").arg(workload.body.to_string());
        command.arg("--seconds").arg(duration.as_secs_f64().to_string());
        if workload.events {
            command.arg("--events");
        }
        let mut load = Child::start(&command, cores, Stdio::piped())?;
        let mut lines = BufReader::new(load.take_stdout().context("no output")?).lines();
        let mut line =
            || lines.next().with_context(|| format!("no load on {}", self.name))?.map_err(Into::into);
        ensure!(line()? == "started", "the load generator says something else");

        let (started, before) = (Instant::now(), CpuTime::of(&self.measured)?);
        let bystanders = Bystanders::start()?;
        // It ends with its last line; its CPU time is known until then.
        std::thread::sleep(duration.saturating_sub(Duration::from_millis(20)));
        let others = bystanders.share(started.elapsed())?;
        let text: Result<String> = line();
        let counted: Counted = serde_json::from_str(&text?)?;
        let used = CpuTime::of(&self.measured)?.since(before);
        load.wait()?;
        ensure!(counted.count > 0.0, "{} served nothing", self.name);
        let micros = |time: Duration| time.as_secs_f64() * 1e6 / counted.count;
        Ok(Sample {
            cpu: micros(used.total),
            user: micros(used.user),
            per_second: counted.count / duration.as_secs_f64(),
            p50: counted.p50_us.unwrap_or_default(),
            p99: counted.p99_us.unwrap_or_default(),
            others,
        })
    }
}
