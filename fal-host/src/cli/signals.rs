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
    /// Keep one more runner.
    ScaleUp,
    /// Keep one runner less.
    ScaleDown,
}

const TTIN: i32 = rustix::process::Signal::TTIN.as_raw();
const TTOU: i32 = rustix::process::Signal::TTOU.as_raw();

/// The signals that a host handles.
#[derive(Debug)]
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// `None` if the host was started with SIGHUP ignored, which it keeps.
    hangup: Option<Signal>,
    /// SIGTTIN and SIGTTOU, as other servers have them (S76c).
    scale_up: Signal,
    scale_down: Signal,
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
            scale_up: signal(SignalKind::from_raw(TTIN))?,
            scale_down: signal(SignalKind::from_raw(TTOU))?,
            on_hangup: if io::stdin().is_terminal() { SignalRequest::Stop } else { SignalRequest::Restart },
        })
    }

    /// Waits for the next signal. Cancel safe.
    pub(super) async fn next(&mut self) -> SignalRequest {
        let hangup = OptionFuture::from(self.hangup.as_mut().map(Signal::recv));
        tokio::select! {
            _ = self.terminate.recv() => SignalRequest::Stop,
            _ = self.interrupt.recv() => SignalRequest::Stop,
            _ = self.scale_up.recv() => SignalRequest::ScaleUp,
            _ = self.scale_down.recv() => SignalRequest::ScaleDown,
            Some(_) = hangup => self.on_hangup,
        }
    }
}
