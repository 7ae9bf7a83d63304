use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

use super::life::lost;
use super::signals::Signals;
use super::{Exit, limit};
use crate::server::{HealthListener, Server};
use crate::{ConcurrencyLimit, Declaration, Instance};

/// A runner in service.
#[derive(Debug)]
pub(super) struct Serving {
    pub(super) server: Server,
    pub(super) lane: Option<HealthListener>,
    pub(super) calls: Arc<ConcurrencyLimit>,
    pub(super) instance: Instance,
}

/// Ends a runner that was told to stop (S42): `handle_exit` at once, while the calls that it has end; then `teardown`.
/// All of it within `limit`; when that is up, what has not been done is left. Only a call can take the time of
/// `teardown`: clients that are still at their requests late in it, or at their responses, are cut off.
pub(super) async fn stop(
    app: &'static Declaration,
    serving: Serving,
    limit: Duration,
    apps: &Handle,
    signals: &mut Signals,
) -> Exit {
    let Serving { server, lane, calls, instance } = serving;
    let mut limit_is_up = pin!(tokio::time::sleep(limit));
    tracing::debug!(?limit, running = calls.running_paths().len(), "stopping");

    let connections_end = server.drain(limit::linger(limit), nobody_is_served(Arc::clone(&calls), limit));
    let (handle_exit, told) = (app.handle_exit, Arc::clone(&instance));
    let mut exit_handled = apps.spawn(async move { handle_exit(told).await });
    let running = Arc::clone(&calls);
    let mut drained = apps.spawn(async move {
        if let Some(lane) = lane {
            lane.end().await;
        }
        connections_end.await;
        running.idle().await;
    });
    tokio::select! {
        biased;
        insisted = signals.insisted() => return Exit::Signalled(insisted),
        (handled, _) = async { tokio::join!(&mut exit_handled, &mut drained) } => {
            if let Err(task) = handled {
                tracing::error!("handle_exit: {}", lost(task));
            }
        }
        () = &mut limit_is_up => {
            let late = still_running(&calls.running_paths(), exit_handled.is_finished());
            tracing::error!("teardown is skipped, since after {limit:?} {late}");
            return Exit::CutShort;
        }
    }

    tokio::select! {
        biased;
        exit = tear_down(app, instance, apps, signals) => exit,
        () = limit_is_up => {
            tracing::error!("teardown is cut short: {limit:?} after the signal it has not ended");
            Exit::CutShort
        }
    }
}

/// Calls `teardown`, and waits for it.
pub(super) async fn tear_down(
    app: &'static Declaration,
    instance: Instance,
    apps: &Handle,
    signals: &mut Signals,
) -> Exit {
    let teardown = app.teardown;
    let torn_down = apps.spawn(async move { teardown(instance).await });
    let error = tokio::select! {
        biased;
        insisted = signals.insisted() => return Exit::Signalled(insisted),
        torn_down = torn_down => match torn_down.unwrap_or_else(|task| Err(lost(task))) {
            Ok(()) => return Exit::Stopped,
            Err(error) => error,
        },
    };
    tracing::error!("teardown: {error}");
    Exit::TeardownFailed
}

/// Resolves when most of the limit is gone and no call has run for a while, in which the responses of the last ones
/// could be sent: what is left then are clients that are slow to send or to read.
fn nobody_is_served(calls: Arc<ConcurrencyLimit>, limit: Duration) -> impl Future<Output = ()> + Send {
    // It is not polled before idle connections are closed, and counts from now all the same.
    let late = Instant::now() + limit::patience(limit);
    async move {
        tokio::time::sleep_until(late).await;
        loop {
            calls.idle().await;
            tokio::time::sleep(limit::last_words(limit)).await;
            if calls.running_paths().is_empty() {
                break;
            }
        }
        tracing::warn!(
            "clients that still send a request, or still read a response, are cut off for teardown"
        );
    }
}

/// What keeps a runner from its end, for the log.
fn still_running(calls: &[&str], exit_is_handled: bool) -> String {
    let mut by_endpoint = BTreeMap::<_, u32>::new();
    for path in calls {
        *by_endpoint.entry(path).or_default() += 1;
    }
    let mut late: Vec<_> = by_endpoint
        .into_iter()
        .map(|(path, count)| match count {
            1 => format!("a call of {path} still runs"),
            count => format!("{count} calls of {path} still run"),
        })
        .collect();
    if !exit_is_handled {
        late.push("handle_exit has not returned".to_owned());
    }
    if late.is_empty() {
        late.push("a request is still being received, or a response sent".to_owned());
    }
    late.join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoints_whose_calls_still_run_are_named_s42c() {
        assert_eq!(
            still_running(&["/slow", "/", "/slow"], true),
            "a call of / still runs and 2 calls of /slow still run"
        );
        assert_eq!(still_running(&[], false), "handle_exit has not returned");
        assert_eq!(still_running(&[], true), "a request is still being received, or a response sent");
    }
}
