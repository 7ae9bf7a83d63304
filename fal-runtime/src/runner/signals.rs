use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Keeper;
use super::exit::Signalled;

/// The signals that tell this runner to stop.
#[derive(Debug)]
pub(super) struct Signals {
    terminate: Signal,
    /// Ctrl-C, where there may be a terminal: the runners of a host have their own process groups, and only the host
    /// gets it.
    interrupt: Option<Signal>,
}

impl Signals {
    /// From now on the signals are taken and no longer kill.
    pub(super) fn take(keeper: &Keeper) -> io::Result<Self> {
        let interrupt = match keeper {
            Keeper::Host(_) => None,
            Keeper::Terminal => Some(signal(SignalKind::interrupt())?),
        };
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt })
    }

    /// The first signal to stop.
    pub(super) async fn first(&mut self) -> Signalled {
        tokio::select! {
            _ = self.terminate.recv() => Signalled::Terminate,
            () = next(&mut self.interrupt) => Signalled::Interrupt,
        }
    }

    /// Ctrl-C while the runner stops: whoever is at the terminal does not want to wait. A second SIGTERM means
    /// nothing, and for a host's runner this never resolves.
    pub(super) async fn insisted(&mut self) -> Signalled {
        next(&mut self.interrupt).await;
        Signalled::Interrupt
    }
}

async fn next(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}
