//! The signals that tell a runner to stop.

use std::io;
use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::exit::StopSignal;
use super::supervisor::Supervisor;

/// A signal that follows the first within this time is not a second one: `timeout` and wrappers signal a process and
/// then its group.
const SAME_SIGNAL_INTERVAL: Duration = Duration::from_millis(100);

/// The signals that tell this runner to stop.
#[derive(Debug)]
pub(super) struct Signals {
    terminate: Signal,
    /// Ctrl-C, if the runner may have a terminal. The runners of a host have process groups of their own, so only the
    /// host receives it.
    interrupt: Option<Signal>,
    /// When the first signal came.
    first_at: Option<Instant>,
}

impl Signals {
    /// Handles the signals from now on, so that they do not kill the process.
    pub(super) fn take(supervisor: &Supervisor) -> io::Result<Self> {
        let interrupt = match supervisor {
            Supervisor::Host(_) => None,
            Supervisor::Terminal => Some(signal(SignalKind::interrupt())?),
        };
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt, first_at: None })
    }

    /// Waits for the first signal.
    pub(super) async fn first(&mut self) -> StopSignal {
        let signal = tokio::select! {
            biased;
            _ = self.terminate.recv() => StopSignal::Terminate,
            () = next(&mut self.interrupt) => StopSignal::Interrupt,
        };
        self.first_at = Some(Instant::now());
        signal
    }

    /// Waits for the next SIGTERM or Ctrl-C, which ends a wait of the stop. It counts as the first one from then on.
    pub(super) async fn again(&mut self) {
        loop {
            tokio::select! {
                biased;
                _ = self.terminate.recv() => {}
                () = next(&mut self.interrupt) => {}
            }
            if self.first_at.is_none_or(|first| first.elapsed() >= SAME_SIGNAL_INTERVAL) {
                self.first_at = Some(Instant::now());
                return;
            }
        }
    }

    /// Waits for Ctrl-C while the runner stops: the user at the terminal does not want to wait longer. A second SIGTERM
    /// has no effect. For a runner of a host this never resolves.
    pub(super) async fn second(&mut self) -> StopSignal {
        loop {
            next(&mut self.interrupt).await;
            if self.first_at.is_none_or(|first| first.elapsed() >= SAME_SIGNAL_INTERVAL) {
                return StopSignal::Interrupt;
            }
        }
    }
}

async fn next(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}
