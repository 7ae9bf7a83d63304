//! Checks of a runner whose every worker is busy (S14).

use std::time::Duration;

use fal_health::Outcome;
use fal_host::EventKind;
use fal_runtime::host::builder;
use fal_runtime::{Context, Error, Result};

use crate::app::{Held, Hold, SLOTS, Steady};
use crate::latencies::Latencies;
use crate::load::Connection;

/// What p99 must not exceed.
const LIMIT: Duration = Duration::from_millis(25);

/// Checks a runner that does nothing, one whose threads are all asleep in their requests, and one whose threads all burn.
pub(crate) async fn run(checks: usize) -> Result<()> {
    let idle = measure(None, checks).await?;
    let asleep = measure(Some(Hold::Asleep), checks).await?;
    let burning = measure(Some(Hold::Burning), checks).await?;
    println!("idle:                          {idle}");
    println!("every worker is held:          {asleep}");
    println!("every worker burns:            {burning}");
    match [asleep, burning].iter().find(|it| it.quantile(0.99) > LIMIT) {
        None => Ok(()),
        Some(late) => Err(Error::msg(format!("p99 is {:?}", late.quantile(0.99)))),
    }
}

async fn measure(hold: Option<Hold>, checks: usize) -> Result<Latencies> {
    let builder = builder::<Steady>()?.check_interval(Duration::from_millis(20));
    let mut events = builder.events();
    let host = builder.start().await?;
    let address = host.address();
    let clients: Vec<_> = (0..SLOTS)
        .filter_map(|_| hold)
        .map(|hold| {
            tokio::spawn(async move {
                let mut connection = Connection::open(address).await?;
                loop {
                    let answer = connection.post("/hold", &Held { hold, milliseconds: 200 }).await?;
                    if answer.status != 200 {
                        return Err::<(), _>(Error::msg(format!("{} {}", answer.status, answer.body)));
                    }
                }
            })
        })
        .collect();
    let (mut latencies, mut skipped) = (Latencies::default(), 0);
    while latencies.count() < checks as u64 {
        let event = events.next().await.context("the host has ended")?;
        let EventKind::Checked(check) = event.kind else { continue };
        if check.outcome != Outcome::Pass {
            return Err(Error::msg(format!("a check has failed: {check:?}")));
        }
        // Until all of them are busy.
        if skipped < 20 {
            skipped += 1;
        } else {
            latencies.add(check.duration);
        }
    }
    for client in clients {
        if client.is_finished() {
            client.await??;
        } else {
            client.abort();
        }
    }
    host.kill();
    host.stopped().await;
    Ok(latencies)
}
