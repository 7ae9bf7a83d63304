//! What a host reports to systemd, if systemd has started it (S69a).

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, timeout};

use super::notify_socket::{self, Importance};
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
        Self { is_there: notify_socket::is_there(), watchdog: notify_socket::watchdog() }
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
                            Ok(Some(snapshot)) => self.send(&format!("READY=1\nSTATUS={}", status(&snapshot))),
                            _ => self.send("READY=1"),
                        }
                    }
                    Some(EventKind::Progress(_)) if !is_ready => {
                        self.send(&format!("EXTEND_TIMEOUT_USEC={}", EXTENSION.as_micros()));
                    }
                    Some(_) => {}
                },
                // The control thread answers this. If it hangs, the watchdog gets no report.
                _ = ticks.tick() => if let Ok(Some(snapshot)) = timeout(pause, host.snapshot()).await
                    && !host.is_retired()
                {
                    self.send_as(&format!("WATCHDOG=1\nSTATUS={}", status(&snapshot)), Importance::Repeated);
                },
            }
        }
        std::future::pending::<()>().await;
    }

    /// The runners are being replaced, because SIGHUP asked for it.
    pub(super) fn reloading(self) {
        self.send(&format!("RELOADING=1\nMONOTONIC_USEC={}", notify_socket::monotonic_micros()));
    }

    /// The runners have been replaced, or the attempt has failed.
    pub(super) fn reloaded(self) {
        self.send("READY=1");
    }

    /// Another process is the service from now on (S94b).
    pub(super) fn main_process(self, pid: u32) {
        self.send(&format!("MAINPID={pid}"));
    }

    /// The host stops.
    pub(super) fn stopping(self) {
        self.send("STOPPING=1");
    }

    fn send(self, message: &str) {
        self.send_as(message, Importance::Awaited);
    }

    fn send_as(self, message: &str, importance: Importance) {
        /// The status is sent again and again.
        static IS_WARNED: AtomicBool = AtomicBool::new(false);
        if self.is_there
            && let Err(error) = notify_socket::send(message, importance)
            && !IS_WARNED.swap(true, Ordering::Relaxed)
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
