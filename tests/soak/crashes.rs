//! 10,000 crashes, which must leave no process, descriptor or memory (S34).

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use fal_health::Outcome;
use fal_host::EventKind;
use fal_runtime::host::builder;
use fal_runtime::{Context, Error, Result};
use rustix::process::{Pid, Signal, kill_process};

use crate::app::Steady;
use crate::gauge::{Gauge, zombies};

/// How much memory may have come after the first tenth: a page of the allocator's here and there.
const GROWTH_KIB: u64 = 4 * 1024;

/// Every runner is killed when it has passed a check.
pub(crate) async fn run(cycles: usize) -> Result<()> {
    let runners = NonZeroUsize::new(2).context("no runner")?;
    let builder = builder::<Steady>()?.runners(runners).check_interval(Duration::from_millis(5));
    let mut events = builder.events();
    let host = builder.start().await?;
    let (begun, mut live, mut ended) = (Instant::now(), HashMap::new(), 0);
    let mut first: Option<Gauge> = None;
    println!("cycles  resident KiB  descriptors  threads");
    while ended < cycles {
        let event = events.next().await.context("the host has ended")?;
        match event.kind {
            EventKind::Started { pid, .. } => {
                live.insert(event.runner, pid.context("a runner without a process")?);
            }
            EventKind::Checked(check) if check.outcome == Outcome::Pass => {
                // Its number is its own until the host has reaped it.
                let pid = live.remove(&event.runner).and_then(|pid| Pid::from_raw(pid.try_into().ok()?));
                pid.map(|pid| kill_process(pid, Signal::KILL)).transpose()?;
            }
            EventKind::Terminated(_) => {
                ended += 1;
                if ended % (cycles / 10).max(1) == 0 {
                    let gauge = Gauge::read()?;
                    let Gauge { resident_kib, descriptors, threads } = gauge;
                    println!("{ended:6}  {resident_kib:12}  {descriptors:11}  {threads:7}");
                    first.get_or_insert(gauge);
                }
            }
            _ => {}
        }
    }
    let (first, last, zombies) = (first.context("too few cycles")?, Gauge::read()?, zombies()?);
    let took = begun.elapsed();
    println!(
        "{ended} crashes in {took:.1?}, {:.1} ms each; {zombies} zombies",
        took.as_secs_f64() * 1000.0 / ended as f64
    );
    host.shutdown();
    host.stopped().await;
    if events.missed() > 0 {
        return Err(Error::msg("the trial is too slow to hear everything"));
    }
    // Two runners may be ending in this very moment.
    if zombies > runners.get() {
        return Err(Error::msg("some have not been reaped"));
    }
    if last.descriptors > first.descriptors + 20 || last.resident_kib > first.resident_kib + GROWTH_KIB {
        return Err(Error::msg(format!("from {first:?} to {last:?}")));
    }
    Ok(())
}
