//! The graceful shutdown of a runner (S42).

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

use super::exit::Exit;
use super::signals::Signals;
use super::task::task_error;
use super::timeouts;
use crate::app::{Declaration, Instance};
use crate::server::{ConcurrencyLimit, HealthListener, ProbeLane, Server};

/// The parts of a runner that serves requests.
#[derive(Debug)]
pub(super) struct Serving {
    pub(super) server: Server,
    pub(super) health_listener: Option<HealthListener>,
    pub(super) lane: Option<ProbeLane>,
    pub(super) calls: Arc<ConcurrencyLimit>,
    pub(super) instance: Instance,
}

/// How long the parts of a stop may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct StopTimeouts {
    /// How long requests in flight may take before the rest of the stop begins.
    pub(super) drain: Duration,
    /// How long the rest may take.
    pub(super) stop: Duration,
}

/// Stops a runner (S42): lets requests in flight end within the drain timeout, calls `handle_exit`, lets the calls that are
/// left end, and then calls `teardown`.
///
/// When the stop timeout has passed, whatever is not done is abandoned. Only a call may use up the time for `teardown`:
/// clients that are late to send a request or to read a response are disconnected.
pub(super) async fn stop(
    app: &'static Declaration,
    serving: Serving,
    timeouts: StopTimeouts,
    apps: &Handle,
    signals: &mut Signals,
) -> Exit {
    let Serving { server, health_listener, lane, calls, instance } = serving;
    let StopTimeouts { drain, stop: timeout } = timeouts;
    tracing::debug!(?drain, ?timeout, calls = calls.running_paths().len(), "stopping");

    let disconnect = only_slow_clients_left(Arc::clone(&calls), drain, timeout);
    let connections_end = server.drain(timeouts::linger_timeout(drain.saturating_add(timeout)), disconnect);
    let running = Arc::clone(&calls);
    let mut served = apps.spawn(async move {
        connections_end.await;
        running.idle().await;
    });
    if !drain.is_zero() {
        tokio::select! {
            biased;
            _ = &mut served => {}
            () = tokio::time::sleep(drain) => {}
            () = signals.again() => {}
        }
    }

    let mut timed_out = pin!(tokio::time::sleep(timeout));
    let (handle_exit, exiting) = (app.handle_exit, Arc::clone(&instance));
    let mut exit_handled = apps.spawn(async move { handle_exit(exiting).await });
    let mut drained = pin!(async {
        if let Some(health_listener) = health_listener {
            health_listener.end().await;
        }
        if let Some(lane) = &lane {
            lane.release().await;
        }
        if !served.is_finished() {
            let _ = served.await;
        }
        calls.idle().await;
    });
    tokio::select! {
        biased;
        second = signals.second() => return Exit::Signalled(second),
        (handled, ()) = async { tokio::join!(&mut exit_handled, &mut drained) } => {
            if let Err(error) = handled {
                tracing::error!("handle_exit failed: {}", task_error(error));
            }
        }
        () = &mut timed_out => {
            let late = still_running(&calls.running_paths(), exit_handled.is_finished());
            tracing::error!("teardown is skipped: after {timeout:?}, {late}");
            return Exit::CutShort;
        }
    }

    tokio::select! {
        biased;
        exit = tear_down(app, instance, apps, signals) => exit,
        () = timed_out => {
            tracing::error!("teardown is cut short: it has not returned {timeout:?} after the signal");
            Exit::CutShort
        }
    }
}

/// Calls `teardown` and waits for it.
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
        second = signals.second() => return Exit::Signalled(second),
        torn_down = torn_down => match torn_down.unwrap_or_else(|error| Err(task_error(error))) {
            Ok(()) => return Exit::Stopped,
            Err(error) => error,
        },
    };
    tracing::error!("teardown failed: {error}");
    Exit::TeardownFailed
}

/// Resolves when `drain` and the drain timeout of the stop have passed and no call has run for the flush timeout. The requests that are left then
/// belong to clients that are slow to send or to read.
fn only_slow_clients_left(
    calls: Arc<ConcurrencyLimit>,
    drain: Duration,
    timeout: Duration,
) -> impl Future<Output = ()> + Send {
    // The time counts from now, although the future is first polled when idle connections have been closed.
    let late = Instant::now() + drain + timeouts::drain_timeout(timeout);
    async move {
        tokio::time::sleep_until(late).await;
        loop {
            calls.idle().await;
            tokio::time::sleep(timeouts::flush_timeout(timeout)).await;
            if calls.running_paths().is_empty() {
                break;
            }
        }
        tracing::warn!(
            "clients that still send a request or read a response are cut off, so that teardown has its time"
        );
    }
}

/// What keeps a runner from stopping, in words for the log.
fn still_running(calls: &[&str], exit_handled: bool) -> String {
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
    if !exit_handled {
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
