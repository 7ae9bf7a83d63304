use std::io;
use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Keeper;
use super::exit::Signalled;

/// What comes so soon after the first signal is that signal: `timeout` and wrappers signal a process and then its group.
const SAME_SIGNAL: Duration = Duration::from_millis(100);

/// The signals that tell this runner to stop.
#[derive(Debug)]
pub(super) struct Signals {
    terminate: Signal,
    /// Ctrl-C, where there may be a terminal: the runners of a host have their own process groups, and only the host
    /// gets it.
    interrupt: Option<Signal>,
    /// When the first came.
    told: Option<Instant>,
}

impl Signals {
    /// From now on the signals are taken and no longer kill.
    pub(super) fn take(keeper: &Keeper) -> io::Result<Self> {
        let interrupt = match keeper {
            Keeper::Host(_) => None,
            Keeper::Terminal => Some(signal(SignalKind::interrupt())?),
        };
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt, told: None })
    }

    /// The first signal to stop.
    pub(super) async fn first(&mut self) -> Signalled {
        let signal = tokio::select! {
            biased;
            _ = self.terminate.recv() => Signalled::Terminate,
            () = next(&mut self.interrupt) => Signalled::Interrupt,
        };
        self.told = Some(Instant::now());
        signal
    }

    /// Ctrl-C while the runner stops: whoever is at the terminal does not want to wait. A second SIGTERM means
    /// nothing, and for a host's runner this never resolves.
    pub(super) async fn insisted(&mut self) -> Signalled {
        loop {
            next(&mut self.interrupt).await;
            if self.told.is_none_or(|told| told.elapsed() >= SAME_SIGNAL) {
                return Signalled::Interrupt;
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
