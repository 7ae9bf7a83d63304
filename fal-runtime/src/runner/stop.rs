use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use super::life::lost;
use super::signals::Signals;
use super::{Exit, limit};
use crate::server::{Lane, Server};
use crate::{Calls, Declaration, Instance};

/// A runner in service.
#[derive(Debug)]
pub(super) struct Serving {
    pub(super) server: Server,
    pub(super) lane: Option<Lane>,
    pub(super) calls: Arc<Calls>,
    pub(super) instance: Instance,
}

/// Ends a runner that was told to stop (S42): `handle_exit` at once, while the calls that it has end; then `teardown`.
/// All of it within `limit`; when that is up, what has not been done is left.
pub(super) async fn stop(
    app: &'static Declaration,
    serving: Serving,
    limit: Duration,
    apps: &Handle,
    signals: &mut Signals,
) -> Exit {
    let Serving { server, lane, calls, instance } = serving;
    let mut limit_is_up = pin!(tokio::time::sleep(limit));
    tracing::debug!(?limit, running = calls.running().len(), "stopping");

    let connections_end = server.drain(limit::linger(limit));
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
            let late = still_running(&calls.running(), exit_handled.is_finished());
            tracing::error!("teardown is skipped, since after {limit:?} {late}");
            return Exit::CutShort;
        }
    }

    let teardown = app.teardown;
    let torn_down = apps.spawn(async move { teardown(instance).await });
    let error = tokio::select! {
        biased;
        insisted = signals.insisted() => return Exit::Signalled(insisted),
        torn_down = torn_down => match torn_down.unwrap_or_else(|task| Err(lost(task))) {
            Ok(()) => return Exit::Stopped,
            Err(error) => error,
        },
        () = limit_is_up => {
            tracing::error!("teardown is cut short: {limit:?} after the signal it has not ended");
            return Exit::CutShort;
        }
    };
    tracing::error!("teardown: {error}");
    Exit::TeardownFailed
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
    fn the_endpoints_whose_calls_still_run_are_named_s42() {
        assert_eq!(
            still_running(&["/slow", "/", "/slow"], true),
            "a call of / still runs and 2 calls of /slow still run"
        );
        assert_eq!(still_running(&[], false), "handle_exit has not returned");
        assert_eq!(still_running(&[], true), "a request is still being received, or a response sent");
    }
}
