//! Which host a subcommand is for.

use std::path::PathBuf;

use clap::Args;

use super::super::control_sockets;
use super::error::OperateError;

/// Which running host a subcommand is for. Without an option it is the only one of this user.
#[derive(Clone, Debug, Default, Args)]
pub struct Target {
    /// The process of the host, if there are several hosts
    #[arg(long, value_name = "PID")]
    pub(super) host: Option<u32>,

    /// The host's Unix socket, if it is in another place than usual
    #[arg(long, value_name = "PATH", env = "FAL_CONTROL_SOCKET", conflicts_with = "host")]
    pub(super) socket: Option<PathBuf>,
}

impl Target {
    /// The path of the host's socket.
    pub(super) fn path(&self) -> Result<PathBuf, OperateError> {
        if let Some(path) = &self.socket {
            return Ok(path.clone());
        }
        let mut found = control_sockets::find();
        if let Some(pid) = self.host {
            for hosts in &mut found {
                hosts.retain(|host| host.pid == pid);
            }
        }
        // A host with the environment of this process comes before those in other directories.
        let nearest = found.into_iter().find(|hosts| !hosts.is_empty()).unwrap_or_default();
        match nearest.as_slice() {
            [host] => Ok(host.path.clone()),
            [] => Err(OperateError::NoHost),
            several => {
                let names = several.iter().map(|host| format!("{} (`--host {}`)", host.app, host.pid));
                Err(OperateError::SeveralHosts(names.collect::<Vec<_>>().join(", ")))
            }
        }
    }
}
