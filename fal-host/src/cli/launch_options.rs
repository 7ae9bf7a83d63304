//! The options of `fal-host` that say how its servers are started and stopped.

use std::process::Command;

use clap::Args;

use crate::{PortLauncher, StopSignal, StopSignalTo};

/// Options of a [`PortLauncher`].
#[derive(Debug, Args)]
pub(super) struct LaunchOptions {
    /// The signal that tells a server to stop
    ///
    /// SIGKILL follows at the end of the grace period. It always goes to the whole process group.
    #[arg(long, value_name = "SIGNAL", env = "FAL_STOP_SIGNAL", default_value = "term", ignore_case = true)]
    pub(super) stop_signal: StopSignal,

    /// Which processes of a server get the stop signal
    ///
    /// `leader`: the process of the command. `group`: the command and the processes that it started, for wrappers that
    /// do not forward signals, such as `sh -c 'server | tee log'`.
    #[arg(long, value_name = "PROCESSES", env = "FAL_STOP_SIGNAL_TO", default_value = "leader")]
    pub(super) stop_signal_to: StopSignalTo,
}

impl LaunchOptions {
    /// A launcher of this command. Must be called inside a Tokio runtime.
    pub(super) fn launcher(&self, command: Command) -> PortLauncher {
        PortLauncher::new(command).stop_signal(self.stop_signal).stop_signal_to(self.stop_signal_to)
    }
}
