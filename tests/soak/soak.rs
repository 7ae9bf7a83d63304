//! The soak: a fixed rate of requests and a random fault every second.

use std::num::{NonZeroU64, NonZeroUsize};
use std::time::{Duration, Instant};

use fal_host::{HostHandle, RunnerInfo, RunnerState};
use fal_runtime::host::builder;
use fal_runtime::{Context, Error, Result};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{interval, sleep, timeout};

use crate::SoakOptions;
use crate::app::{Fault, MAX_MEMORY, Steady};
use crate::gauge::{Gauge, zombies};
use crate::latencies::Latencies;
use crate::ledger::{Deed, Ledger};
use crate::load::{Load, post};
use crate::plot;

const RUNNERS: usize = 6;
const INTERVAL: Duration = Duration::from_millis(250);

/// What the middle of the last quarter may have more than that of the second.
const GROWTH_KIB: u64 = 6 * 1024;
const GROWTH_DESCRIPTORS: u64 = 12;

/// What was seen in one second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) answered: u64,
    pub(crate) lost: u64,
    pub(crate) p99: Duration,
    pub(crate) gauge: Gauge,
}

/// `SplitMix64`: the same seed, the same faults.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }
}

/// A soak that goes on.
struct Soak {
    host: HostHandle,
    random: Random,
    ledger: Ledger,
    /// Faults that runners are being told, and which runner it was.
    told: JoinSet<Option<(u64, Fault)>>,
    rolls: u32,
    /// Of how many kinds of faults each is one. The last two need a setting.
    faults: u64,
}

pub(crate) async fn run(options: &SoakOptions) -> Result<()> {
    let runners = NonZeroUsize::new(RUNNERS).context("no runner")?;
    let mut builder = builder::<Steady>()?.runners(runners).check_interval(INTERVAL);
    if options.every_rule {
        builder = builder
            .confirm_interval(INTERVAL / 5)
            .min_healthy(INTERVAL * 2)
            .max_memory(NonZeroU64::new(MAX_MEMORY))
            .max_age(Duration::from_secs(60))
            .max_requests(NonZeroU64::new(1_000))
            .wedged_after(Duration::from_secs(1));
    }
    let mut events = builder.events();
    let host = builder.start().await?;
    let path = if options.every_rule { "/again" } else { "/" };
    let load = Load::at_rate(host.address(), path, options.rate);
    let (random, ledger) = (Random(options.seed), Ledger::default());
    let faults = if options.every_rule { 10 } else { 8 };
    let mut soak = Soak { host, random, ledger, told: JoinSet::new(), rolls: 0, faults };
    let (mut samples, mut losses, mut latencies) = (Vec::new(), Vec::new(), Latencies::default());
    let mut seconds = interval(Duration::from_secs(1));
    for second in 0..options.minutes * 60 {
        seconds.tick().await;
        soak.ledger.catch_up(&mut events)?;
        let outcomes = load.take();
        latencies.merge(&outcomes.latencies);
        samples.push(Sample {
            answered: outcomes.latencies.count(),
            lost: outcomes.failures.len() as u64,
            p99: outcomes.latencies.quantile(0.99),
            gauge: Gauge::read()?,
        });
        losses.extend(outcomes.failures);
        soak.harm().await?;
        if second % 60 == 59 {
            let (ended, lost) = (soak.ledger.ended(), losses.len());
            println!(
                "{} minutes: {} requests, {lost} lost; {ended} runners ended",
                second / 60 + 1,
                latencies.count()
            );
        }
    }
    soak.settle(&mut events).await?;
    let outcomes = load.take();
    drop(load);
    latencies.merge(&outcomes.latencies);
    losses.extend(outcomes.failures);
    let zombies = zombies()?;
    soak.host.shutdown();
    soak.host.stopped().await;

    let lost = losses.len();
    println!("{} requests, {lost} lost with a runner that ended: {latencies}", latencies.count());
    println!("{} rolling restarts, {zombies} zombies", soak.rolls);
    plot::write(options, &samples)?;
    soak.ledger.judge()?;
    let unexplained = soak.ledger.unexplained(&losses);
    if !unexplained.is_empty() {
        return Err(Error::msg(format!("requests were lost that no runner's end explains: {unexplained:?}")));
    }
    is_flat(&samples)
}

impl Soak {
    /// Does something to some runner.
    async fn harm(&mut self) -> Result<()> {
        while let Some(told) = self.told.try_join_next() {
            if let Some((runner, fault)) = told? {
                self.ledger.did(runner, Deed::Told(fault));
            }
        }
        match self.random.below(self.faults) {
            0 | 1 => self.tell(Fault::Unhealthy),
            2 => self.tell(Fault::Hung),
            3 => self.tell(Fault::Asking),
            4 => self.tell(Fault::Exit),
            5 => self.signal(Signal::KILL, Deed::Killed).await?,
            6 => self.signal(Signal::STOP, Deed::Stopped).await?,
            8 => self.tell(Fault::Leaking),
            9 => self.tell(Fault::Stopping),
            _ => {
                self.rolls += 1;
                self.host.restart();
            }
        }
        Ok(())
    }

    fn tell(&mut self, fault: Fault) {
        let address = self.host.address();
        self.told.spawn(async move {
            // One that is stopped does not hear it.
            let body = json!({ "fault": fault });
            let answer = timeout(Duration::from_secs(5), post(address, "/become", &body));
            let answer = answer.await.ok()?.ok()?;
            Some((answer.body.get("runner").and_then(Value::as_u64)?, fault))
        });
    }

    /// Signals one of those to which nothing has been done.
    async fn signal(&mut self, signal: Signal, deed: Deed) -> Result<()> {
        let snapshot = self.host.snapshot().await.context("the host has ended")?;
        let serves = |runner: &&RunnerInfo| {
            matches!(runner.state, RunnerState::Idle | RunnerState::Running)
                && !self.ledger.has(runner.id.get())
        };
        let runners: Vec<_> = snapshot.runners.iter().filter(serves).collect();
        let Ok(place) = usize::try_from(self.random.below(runners.len().max(1) as u64)) else {
            return Ok(());
        };
        let Some(runner) = runners.get(place) else { return Ok(()) };
        let Some(pid) = runner.pid.and_then(|pid| Pid::from_raw(pid.try_into().ok()?)) else { return Ok(()) };
        // It may have ended in this moment, and been reaped.
        if kill_process(pid, signal).is_ok() {
            self.ledger.did(runner.id.get(), deed);
        }
        Ok(())
    }

    /// Waits until every runner with a fatal fault has ended.
    async fn settle(&mut self, events: &mut fal_host::EventStream) -> Result<()> {
        let limit = Instant::now() + Duration::from_secs(60);
        while let Some(told) = self.told.join_next().await {
            if let Some((runner, fault)) = told? {
                self.ledger.did(runner, Deed::Told(fault));
            }
        }
        loop {
            self.ledger.catch_up(events)?;
            let outstanding = self.ledger.outstanding();
            if outstanding.is_empty() {
                return Ok(());
            }
            if Instant::now() > limit {
                return Err(Error::msg(format!("these should have ended a minute ago: {outstanding:?}")));
            }
            sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Whether the last quarter has no more than the second: the first is for warming up.
fn is_flat(samples: &[Sample]) -> Result<()> {
    let quarter = samples.len() / 4;
    let middle = |place: usize, of: fn(&Sample) -> u64| {
        let mut values: Vec<_> = samples.iter().skip(place * quarter).take(quarter).map(of).collect();
        values.sort_unstable();
        values.get(values.len() / 2).copied().unwrap_or_default()
    };
    let memory = |sample: &Sample| sample.gauge.resident_kib;
    let descriptors = |sample: &Sample| sample.gauge.descriptors as u64;
    let (before, after) = (middle(1, memory), middle(3, memory));
    println!("resident memory: {before} KiB in the second quarter, {after} KiB in the last");
    let (open, still_open) = (middle(1, descriptors), middle(3, descriptors));
    println!("descriptors: {open} in the second quarter, {still_open} in the last");
    if after > before + GROWTH_KIB || still_open > open + GROWTH_DESCRIPTORS {
        return Err(Error::msg("memory or descriptors have grown"));
    }
    Ok(())
}
