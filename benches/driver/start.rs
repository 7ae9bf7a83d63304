//! How soon a crashed runner is replaced: `fal-host` beside a loop of the shell around the same program.

use std::fmt::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use fal_health::protocol::Address;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::child::Child;
use crate::client::post;
use crate::rounds::median;
use crate::servers::{app_host, free_address, wait_until_ready};
use crate::{programs, table};

/// How many crashes there are of each.
const CRASHES: usize = 50;

/// How much longer a host may take than the loop, in milliseconds.
const MAX_DIFFERENCE: f64 = 2.0;

/// How long a runner lives between two crashes.
const PAUSE: Duration = Duration::from_millis(50);

/// Something that starts the app again when it has crashed.
struct Restarter {
    address: Address,
    child: Child,
    /// The time from each crash to the first response of the next runner, in milliseconds.
    times: Vec<f64>,
}

/// Both crash in turn. Everything may run on both cores.
pub(crate) fn compare() -> Result<String> {
    let directory = TempDir::new()?;
    let socket = Address::Unix(directory.path().join("socket"));
    let app = programs::own("bench-app")?;
    let mut shell = Command::new("sh");
    let program = app.get_program().display();
    shell.arg("-c").arg(format!("while :; do {program} serve --listen {socket}; done 2> /dev/null"));
    shell.env("FAL_LOG", "warn");
    let mut shell = Restarter::start(&shell, socket)?;
    let listen = free_address()?;
    let mut host = Restarter::start(app_host(listen)?.env("FAL_LOG", "off"), Address::Tcp(listen))?;
    for _ in 0..CRASHES {
        shell.crash()?;
        host.crash()?;
    }
    // The loop has to end before its program.
    shell.child.kill();
    let _ = kill(pid_of_runner(&shell.address)?);
    let mut text = format!("**{CRASHES} crashes**\n\n| | p50 ms | p90 ms |\n|---|---:|---:|\n");
    for (name, it) in [("loop of the shell", &shell), ("fal-host", &host)] {
        let _ = writeln!(text, "| {name} | {:.1} | {:.1} |", median(it.times.clone()), it.quantile(90));
    }
    let difference = median(host.times.clone()) - median(shell.times.clone());
    let verdict = table::verdict(difference <= MAX_DIFFERENCE);
    let _ =
        write!(text, "\n- fal-host takes {difference:.1} ms longer, limit {MAX_DIFFERENCE} ms: {verdict}\n");
    Ok(text)
}

impl Restarter {
    fn start(command: &Command, address: Address) -> Result<Self> {
        let child = Child::start(command, "0,1", Stdio::null())?;
        wait_until_ready(&address)?;
        Ok(Self { address, child, times: Vec::new() })
    }

    /// Kills the runner, and waits until another one answers.
    fn crash(&mut self) -> Result<()> {
        std::thread::sleep(PAUSE);
        let runner = pid_of_runner(&self.address)?;
        let crashed = Instant::now();
        kill(runner)?;
        let deadline = crashed + Duration::from_secs(10);
        loop {
            match pid_of_runner(&self.address) {
                Ok(next) if next != runner => break,
                Err(error) if Instant::now() > deadline => return Err(error).context("no runner started"),
                _ => std::thread::sleep(Duration::from_micros(100)),
            }
        }
        self.times.push(crashed.elapsed().as_secs_f64() * 1e3);
        Ok(())
    }

    fn quantile(&self, percent: usize) -> f64 {
        let mut times = self.times.clone();
        times.sort_by(f64::total_cmp);
        times.get(times.len() * percent / 100).copied().unwrap_or_default()
    }
}

fn pid_of_runner(address: &Address) -> Result<i32> {
    Ok(post(address, "/pid")?.parse()?)
}

fn kill(pid: i32) -> Result<()> {
    Ok(kill_process(Pid::from_raw(pid).context("0 is no process")?, Signal::KILL)?)
}
