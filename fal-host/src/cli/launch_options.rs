//! The options of `fal-host` that say how its servers are started and stopped.

use std::path::PathBuf;
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

    /// The directory in which each server runs
    ///
    /// As after `cd`: a relative path of the command begins there. Symbolic links in it are followed at each launch, so a
    /// server that starts after a link such as `current` was replaced runs in the new directory. Without it, servers run
    /// where the host was started.
    #[arg(long, value_name = "DIRECTORY", env = "FAL_DIRECTORY")]
    pub(super) directory: Option<PathBuf>,
}

impl LaunchOptions {
    /// A launcher of this command. Must be called inside a Tokio runtime.
    pub(super) fn launcher(&self, mut command: Command) -> PortLauncher {
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        PortLauncher::new(command).stop_signal(self.stop_signal).stop_signal_to(self.stop_signal_to)
    }
}
