//! The signals that control a host.

use std::io::{self, IsTerminal};

use futures_util::future::OptionFuture;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::inherited;

/// What a signal requests of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignalRequest {
    Stop,
    /// Replace all runners, one after another.
    Restart,
}

/// The signals that a host handles.
#[derive(Debug)]
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// `None` if the host was started with SIGHUP ignored, which it keeps.
    hangup: Option<Signal>,
    /// SIGHUP means stop if a terminal has closed, and restart for a server without a terminal.
    on_hangup: SignalRequest,
}

impl Signals {
    /// Installs the signal handlers.
    pub(super) fn install() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: if inherited::ignores_hangup() { None } else { Some(signal(SignalKind::hangup())?) },
            on_hangup: if io::stdin().is_terminal() { SignalRequest::Stop } else { SignalRequest::Restart },
        })
    }

    /// Waits for the next signal. Cancel safe.
    pub(super) async fn next(&mut self) -> SignalRequest {
        let hangup = OptionFuture::from(self.hangup.as_mut().map(Signal::recv));
        tokio::select! {
            _ = self.terminate.recv() => SignalRequest::Stop,
            _ = self.interrupt.recv() => SignalRequest::Stop,
            Some(_) = hangup => self.on_hangup,
        }
    }
}
