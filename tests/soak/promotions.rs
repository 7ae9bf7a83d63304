//! How long it takes from a crash until a spare is in the rotation (S75).

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::time::Instant;

use fal_host::EventKind;
use fal_runtime::host::builder;
use fal_runtime::{Context, Error, Result};
use rustix::process::{Pid, Signal, kill_process};

use crate::app::Steady;
use crate::latencies::Latencies;

/// Kills the runner in the rotation as soon as a spare is ready.
pub(crate) async fn run(crashes: usize) -> Result<()> {
    let runner = NonZeroUsize::new(1).context("no runner")?;
    let builder = builder::<Steady>()?.runners(runner).spares(1);
    let mut events = builder.events();
    let host = builder.start().await?;
    let (mut pids, mut serving, mut killed) = (HashMap::new(), None, None);
    let mut latencies = Latencies::default();
    while latencies.count() < crashes as u64 {
        let event = events.next().await.context("the host has ended")?;
        match event.kind {
            EventKind::Started { pid, .. } => {
                pids.insert(event.runner, pid.context("a runner without a process")?);
            }
            EventKind::Ready { .. } => {
                serving = pids.remove(&event.runner);
                if let Some(killed) = killed.take() {
                    latencies.add(Instant::now().duration_since(killed));
                }
            }
            EventKind::StandsBy { .. } => {
                // Its number is its own until the host has reaped it.
                let pid = serving.take().and_then(|pid: u32| Pid::from_raw(pid.try_into().ok()?));
                killed = Some(Instant::now());
                kill_process(pid.context("no runner serves")?, Signal::KILL)?;
            }
            _ => {}
        }
    }
    host.shutdown();
    host.stopped().await;
    println!("from SIGKILL to the rotation, of {crashes}: {latencies}");
    if events.missed() > 0 {
        return Err(Error::msg("the trial is too slow to hear everything"));
    }
    Ok(())
}
