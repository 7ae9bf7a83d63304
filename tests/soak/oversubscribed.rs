//! A machine with too much load, and a host that is suspended and continued: no runner may be blamed (S20).

use std::num::NonZeroUsize;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use fal_health::{CheckRecord, Outcome, Verdict};
use fal_host::{Event, EventKind, EventStream, HostHandle};
use fal_runtime::host::builder;
use fal_runtime::{Context, Error, Result};
use fal_tests::end_with_test;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::app::{Fault, GRACE, Steady, THRESHOLD, TIMEOUT};
use crate::load::{Load, post};

const RUNNERS: usize = 4;
const INTERVAL: Duration = Duration::from_secs(1);

/// From a fault to its verdict on a machine that has time for it, and what a busy one may add.
const CONTRACT: Duration = INTERVAL.saturating_add(TIMEOUT).saturating_mul(THRESHOLD);
const MORE: Duration = Duration::from_secs(60);

/// Processes that only burn. They end with this.
struct Burners(Vec<Child>);

impl Burners {
    fn start(count: usize) -> Result<Self> {
        let mut burners = Self(Vec::new());
        for _ in 0..count {
            let mut burner = Command::new("sh");
            burner.args(["-c", "while :; do :; done"]);
            burners.0.push(end_with_test(&mut burner).spawn()?);
        }
        Ok(burners)
    }
}

impl Drop for Burners {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // It burns until then.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Stops this process, and continues it after so many seconds.
fn pause_for(seconds: u64) -> Result<Child> {
    let script = format!("kill -STOP $PPID; sleep {seconds}; kill -CONT $PPID");
    Ok(Command::new("sh").args(["-c", &script]).spawn()?)
}

pub(crate) async fn run(factor: usize, seconds: u64) -> Result<()> {
    let cores = std::thread::available_parallelism()?.get();
    let runners = NonZeroUsize::new(RUNNERS).context("no runner")?;
    let builder = builder::<Steady>()?.runners(runners).check_interval(INTERVAL).strict();
    let mut heard = Heard::new(builder.events());
    let host = builder.start().await?;
    let _load = Load::at_rate(host.address(), "/", 20);
    let _burners = Burners::start(factor * cores)?;
    println!("{} processes burn on {cores} cores", factor * cores);

    heard.listen(Duration::from_secs(seconds)).await?;
    heard.no_runner_has_ended("under load")?;
    for _ in 0..6 {
        let mut pause = pause_for(4)?;
        heard.listen(Duration::from_secs(7)).await?;
        pause.wait()?;
    }
    heard.no_runner_has_ended("while the host was stopped for 4 s six times")?;

    let told = post(host.address(), "/become", &json!({ "fault": Fault::Hung })).await?;
    let hung = told.body.get("runner").and_then(Value::as_u64).context("no runner answered")?;
    heard.end_of(hung, "a runner whose checks hang").await?;
    let runner = stop_a_runner(&host).await?;
    let mut pause = pause_for(4)?;
    heard.end_of(runner, "a stopped runner, while the host is stopped for 4 s").await?;
    pause.wait()?;
    host.kill();
    host.stopped().await;
    Ok(())
}

async fn stop_a_runner(host: &HostHandle) -> Result<u64> {
    let snapshot = host.snapshot().await.context("the host has ended")?;
    let healthy = |runner: &&fal_host::RunnerInfo| {
        runner.health.as_ref().is_some_and(|health| health.verdict == Verdict::Healthy)
    };
    let runner = snapshot.runners.iter().find(healthy).context("no runner is healthy")?;
    let pid = runner.pid.and_then(|pid| Pid::from_raw(pid.try_into().ok()?)).context("no process")?;
    kill_process(pid, Signal::STOP)?;
    Ok(runner.id.get())
}

/// The events of the host so far.
struct Heard {
    events: EventStream,
    checks: usize,
    excused: usize,
    failed: usize,
    ended: Vec<Event>,
}

impl Heard {
    fn new(events: EventStream) -> Self {
        Self { events, checks: 0, excused: 0, failed: 0, ended: Vec::new() }
    }

    async fn listen(&mut self, time: Duration) -> Result<()> {
        let until = Instant::now() + time;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            match timeout(left, self.events.next()).await {
                Ok(event) => self.hear(event.context("the host has ended")?),
                Err(_) => return Ok(()),
            }
        }
        Ok(())
    }

    fn hear(&mut self, event: Event) {
        match &event.kind {
            EventKind::Checked(CheckRecord { outcome, .. }) => {
                self.checks += 1;
                match outcome {
                    Outcome::Inconclusive(_) => self.excused += 1,
                    Outcome::Failure(_) => self.failed += 1,
                    _ => {}
                }
            }
            EventKind::Terminating { .. } | EventKind::Terminated(_) => self.ended.push(event),
            _ => {}
        }
    }

    fn no_runner_has_ended(&self, when: &str) -> Result<()> {
        let Self { checks, excused, failed, .. } = self;
        println!("{when}: {checks} checks so far, of which {excused} were excused and {failed} have failed");
        match self.ended.first() {
            None => Ok(()),
            Some(event) => Err(Error::msg(format!("a healthy runner has ended: {event:#?}"))),
        }
    }

    /// Waits until a runner has been told to stop, as it has to be in time.
    async fn end_of(&mut self, runner: u64, what: &str) -> Result<()> {
        let begun = Instant::now();
        let is_it = |event: &Event| event.runner.is_some_and(|id| id.get() == runner);
        while !self.ended.iter().any(is_it) {
            if begun.elapsed() > CONTRACT + MORE {
                return Err(Error::msg(format!("{what} goes on after {:.1?}", begun.elapsed())));
            }
            self.listen(Duration::from_millis(100)).await?;
        }
        println!(
            "{what}: told to stop after {:.1?}; the contract gives {CONTRACT:?} and {MORE:?}",
            begun.elapsed()
        );
        match self.ended.iter().find(|event| !is_it(event)) {
            None => {
                // Until its process has ended, too.
                self.listen(GRACE + Duration::from_secs(10)).await?;
                self.ended.retain(|event| !is_it(event));
                self.no_runner_has_ended("meanwhile")
            }
            Some(event) => Err(Error::msg(format!("a healthy runner has ended: {event:#?}"))),
        }
    }
}
