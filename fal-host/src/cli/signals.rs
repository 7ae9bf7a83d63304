//! The signals that control a host.

use std::io::{self, IsTerminal};

use futures_util::future::OptionFuture;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::inherited;

/// What a signal requests of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignalRequest {
    /// By the signal with this name.
    Stop(&'static str),
    /// Replace all runners, one after another.
    Restart,
    /// Keep one more runner.
    ScaleUp,
    /// Keep one runner less.
    ScaleDown,
    /// Let a new version of the program take over.
    Upgrade,
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
    /// SIGTTIN and SIGTTOU, as other servers have them. `None` if the host writes to a terminal (S76c).
    scale: Option<ScaleSignals>,
    upgrade: Signal,
    /// SIGHUP means stop if a terminal has closed, and restart for a server without a terminal.
    on_hangup: SignalRequest,
}

#[derive(Debug)]
struct ScaleSignals {
    up: Signal,
    down: Signal,
}

impl ScaleSignals {
    /// Installs the signal handlers, unless the host writes to a terminal. The system sends SIGTTOU to a process in the background
    /// that writes to a terminal set so (`stty tostop`). With a handler, each write would be tried again and again, and each
    /// time remove a runner. An ignored signal lets the process write.
    fn install() -> io::Result<Option<Self>> {
        if io::stdout().is_terminal() || io::stderr().is_terminal() {
            [TTIN, TTOU].into_iter().for_each(ignore);
            return Ok(None);
        }
        Ok(Some(Self { up: signal(SignalKind::from_raw(TTIN))?, down: signal(SignalKind::from_raw(TTOU))? }))
    }

    async fn next(&mut self) -> SignalRequest {
        tokio::select! {
            _ = self.up.recv() => SignalRequest::ScaleUp,
            _ = self.down.recv() => SignalRequest::ScaleDown,
        }
    }
}

fn ignore(signal: i32) {
    #[expect(unsafe_code, reason = "no safe function ignores a signal")]
    // SAFETY: to ignore a signal runs no code when it comes.
    unsafe {
        libc::signal(signal, libc::SIG_IGN);
    }
}

impl Signals {
    /// Installs the signal handlers.
    pub(super) fn install() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: if inherited::ignores_hangup() { None } else { Some(signal(SignalKind::hangup())?) },
            scale: ScaleSignals::install()?,
            upgrade: signal(SignalKind::user_defined2())?,
            on_hangup: if io::stdin().is_terminal() {
                SignalRequest::Stop("SIGHUP")
            } else {
                SignalRequest::Restart
            },
        })
    }

    /// Waits for a signal to stop, and returns its name. The others wait for [`Signals::next`]. Cancel safe.
    pub(super) async fn stop(&mut self) -> &'static str {
        let hangup = self.hangup.as_mut().filter(|_| matches!(self.on_hangup, SignalRequest::Stop(_)));
        let hangup = OptionFuture::from(hangup.map(Signal::recv));
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
            Some(_) = hangup => "SIGHUP",
        }
    }

    /// Waits for the next signal. Cancel safe.
    pub(super) async fn next(&mut self) -> SignalRequest {
        let hangup = OptionFuture::from(self.hangup.as_mut().map(Signal::recv));
        let scale = OptionFuture::from(self.scale.as_mut().map(ScaleSignals::next));
        tokio::select! {
            _ = self.terminate.recv() => SignalRequest::Stop("SIGTERM"),
            _ = self.interrupt.recv() => SignalRequest::Stop("SIGINT"),
            Some(request) = scale => request,
            _ = self.upgrade.recv() => SignalRequest::Upgrade,
            Some(_) = hangup => self.on_hangup,
        }
    }
}
