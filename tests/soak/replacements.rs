//! Replacements under load, planned and by verdict: no request may fail (S33, S39).

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use fal_runtime::host::builder;
use fal_runtime::{Context, Error, Result};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::app::{Fault, SLOTS, Steady};
use crate::ledger::{Deed, Ledger};
use crate::load::{Load, post};

const RUNNERS: usize = 3;

/// One verdict for each roll, which replaces all.
pub(crate) async fn run(replacements: usize, requests: usize) -> Result<()> {
    let runners = NonZeroUsize::new(RUNNERS).context("no runner")?;
    let builder = builder::<Steady>()?.runners(runners).check_interval(Duration::from_millis(50));
    let (mut events, mut ledger) = (builder.events(), Ledger::default());
    let host = builder.start().await?;
    let begun = Instant::now();
    let load = Load::steady(host.address(), RUNNERS * SLOTS / 2);
    let mut rolls = 0;
    while ledger.ended() < replacements {
        // Evenly over the requests.
        while load.count() * (replacements as u64) < (ledger.ended() * requests) as u64 {
            sleep(Duration::from_millis(1)).await;
        }
        let before = ledger.ended();
        host.restart();
        rolls += 1;
        until(&mut ledger, &mut events, before + RUNNERS).await?;
        let answer = post(host.address(), "/become", &json!({ "fault": Fault::Unhealthy })).await?;
        let runner = answer.body.get("runner").and_then(Value::as_u64).context("no runner answered")?;
        ledger.did(runner, Deed::Told(Fault::Unhealthy));
        until(&mut ledger, &mut events, before + RUNNERS + 1).await?;
    }
    while load.count() < requests as u64 {
        sleep(Duration::from_millis(10)).await;
    }
    let outcomes = load.take();
    drop(load);
    println!(
        "{} replacements in {rolls} rolls and as many verdicts, {} requests in {:.1?}: {}",
        ledger.ended(),
        outcomes.latencies.count(),
        begun.elapsed(),
        outcomes.latencies
    );
    println!("{} requests failed", outcomes.failures.len());
    host.shutdown();
    host.stopped().await;
    ledger.judge()?;
    match outcomes.failures.first() {
        None => Ok(()),
        Some((_, problem)) => Err(Error::msg(format!("a request was answered {problem}"))),
    }
}

async fn until(ledger: &mut Ledger, events: &mut fal_host::EventStream, ended: usize) -> Result<()> {
    let limit = Instant::now() + Duration::from_secs(60);
    while ledger.ended() < ended {
        ledger.catch_up(events)?;
        if Instant::now() > limit {
            return Err(Error::msg("a replacement has taken a minute"));
        }
        sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}
