//! How a runner is told to stop.

use rustix::process::Signal;

/// The signal that tells a runner to stop. Default: SIGTERM.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[non_exhaustive]
pub enum StopSignal {
    /// SIGTERM, which nearly every server takes as a request to stop.
    #[default]
    #[cfg_attr(feature = "cli", value(alias = "sigterm"))]
    Term,
    /// SIGINT, as Ctrl-C sends it.
    #[cfg_attr(feature = "cli", value(alias = "sigint"))]
    Int,
    /// SIGQUIT, the graceful stop of nginx and PHP-FPM.
    #[cfg_attr(feature = "cli", value(alias = "sigquit"))]
    Quit,
    /// SIGHUP.
    #[cfg_attr(feature = "cli", value(alias = "sighup"))]
    Hup,
    /// SIGUSR1.
    #[cfg_attr(feature = "cli", value(alias = "sigusr1"))]
    Usr1,
    /// SIGUSR2.
    #[cfg_attr(feature = "cli", value(alias = "sigusr2"))]
    Usr2,
    /// SIGWINCH, the graceful stop of Apache.
    #[cfg_attr(feature = "cli", value(alias = "sigwinch"))]
    Winch,
}

/// The processes of a runner that get its [`StopSignal`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[non_exhaustive]
pub enum StopSignalTo {
    /// The process that the host started. So its own child processes can finish the work of requests in flight.
    #[default]
    Leader,
    /// Its whole process group. For wrappers that do not forward signals, such as `sh -c 'server | tee log'`.
    Group,
}

impl From<StopSignal> for Signal {
    fn from(signal: StopSignal) -> Self {
        match signal {
            StopSignal::Term => Self::TERM,
            StopSignal::Int => Self::INT,
            StopSignal::Quit => Self::QUIT,
            StopSignal::Hup => Self::HUP,
            StopSignal::Usr1 => Self::USR1,
            StopSignal::Usr2 => Self::USR2,
            StopSignal::Winch => Self::WINCH,
        }
    }
}
