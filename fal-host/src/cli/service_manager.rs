//! What a host reports to systemd, if systemd has started it (S69a).

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::{EventKind, EventStream, HostHandle, RunnerState, Snapshot};

/// How often the status is reported, if no watchdog asks for more.
const STATUS_INTERVAL: Duration = Duration::from_secs(5);

/// How much longer a start may take after a report of progress.
const EXTENSION: Duration = Duration::from_secs(60);

/// The service manager that started this program. Without one every call does nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct ServiceManager {
    is_there: bool,
    /// The service is restarted if it is silent for this long.
    watchdog: Option<Duration>,
}

impl ServiceManager {
    pub(super) fn from_environment() -> Self {
        let is_there = std::env::var_os("NOTIFY_SOCKET").is_some();
        Self { is_there, watchdog: sd_notify::watchdog_enabled() }
    }

    /// Reports readiness, progress and status while it is polled. Never resolves.
    pub(super) async fn follow(self, host: &HostHandle, mut events: EventStream) {
        if !self.is_there {
            return std::future::pending().await;
        }
        let pause = self.watchdog.map_or(STATUS_INTERVAL, |watchdog| (watchdog / 2).min(STATUS_INTERVAL));
        let pause = pause.max(Duration::from_millis(1));
        let mut ticks = interval(pause);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_ready = false;
        // After an upgrade the new host reports.
        while !host.is_retired() {
            tokio::select! {
                event = events.next() => match event.map(|event| event.kind) {
                    None => return std::future::pending().await,
                    Some(EventKind::Ready { .. }) if !is_ready => {
                        is_ready = true;
                        // With the status that makes it ready: `systemctl status` is read when `systemctl start` returns.
                        match timeout(pause, host.snapshot()).await {
                            Ok(Some(snapshot)) => self.send(&[NotifyState::Status(&status(&snapshot)), NotifyState::Ready]),
                            _ => self.send(&[NotifyState::Ready]),
                        }
                    }
                    Some(EventKind::Progress(_)) if !is_ready => {
                        let extension = u32::try_from(EXTENSION.as_micros()).unwrap_or(u32::MAX);
                        self.send(&[NotifyState::ExtendTimeoutUsec(extension)]);
                    }
                    Some(_) => {}
                },
                // The control thread answers this. If it hangs, the watchdog gets no report.
                _ = ticks.tick() => if let Ok(Some(snapshot)) = timeout(pause, host.snapshot()).await
                    && !host.is_retired()
                {
                    self.send(&[NotifyState::Watchdog, NotifyState::Status(&status(&snapshot))]);
                },
            }
        }
        std::future::pending::<()>().await;
    }

    /// The runners are being replaced, because SIGHUP asked for it.
    pub(super) fn reloading(self) {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => self.send(&[NotifyState::Reloading, now]),
            Err(error) => tracing::debug!(%error, "cannot report the reload to the service manager"),
        }
    }

    /// The runners have been replaced, or the attempt has failed.
    pub(super) fn reloaded(self) {
        self.send(&[NotifyState::Ready]);
    }

    /// Another process is the service from now on (S94b).
    pub(super) fn main_process(self, pid: u32) {
        self.send(&[NotifyState::MainPid(pid)]);
    }

    /// The host stops.
    pub(super) fn stopping(self) {
        self.send(&[NotifyState::Stopping]);
    }

    fn send(self, state: &[NotifyState<'_>]) {
        if self.is_there
            && let Err(error) = sd_notify::notify(state)
        {
            tracing::warn!(%error, "cannot report to the service manager: the socket in NOTIFY_SOCKET takes no message");
        }
    }
}

/// The state of the host in one line.
fn status(snapshot: &Snapshot) -> String {
    let serves = |state| matches!(state, RunnerState::Idle | RunnerState::Running);
    let serving = snapshot.runners.iter().filter(|runner| serves(runner.state) && !runner.spare).count();
    let in_flight: u32 = snapshot.runners.iter().map(|runner| runner.in_flight).sum();
    let phase = match (snapshot.stopping, snapshot.paused) {
        (true, _) => "stopping: ",
        (false, true) => "paused: ",
        (false, false) => "",
    };
    let runners = snapshot.runners.len();
    format!("{phase}{serving} of {runners} runners take requests, {in_flight} requests in flight")
}
