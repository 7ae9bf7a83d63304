//! Which host a subcommand is for.

use std::path::PathBuf;

use clap::Args;

use super::super::control_sockets::{self, Found};
use super::super::escape::escape_control_characters;
use super::super::foreign_sockets;
use super::error::OperateError;

/// The Unix socket of a host.
#[derive(Debug)]
pub(super) struct HostSocket {
    pub(super) path: PathBuf,
    /// The user whose process must listen on it. `None` if the operator has named the socket.
    pub(super) user: Option<u32>,
}

/// Which running host a subcommand is for. Without an option it is the only one of this user, or, for root, the only one at all.
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
    /// The host's socket.
    pub(super) fn socket(&self) -> Result<HostSocket, OperateError> {
        if let Some(path) = &self.socket {
            return Ok(HostSocket { path: path.clone(), user: None });
        }
        let mut found = control_sockets::find();
        found.push(foreign_sockets::find());
        if let Some(pid) = self.host {
            for hosts in &mut found {
                hosts.retain(|host| host.pid == pid);
            }
        }
        // A host with the environment of this process comes before those in other directories.
        let nearest = found.into_iter().find(|hosts| !hosts.is_empty()).unwrap_or_default();
        match nearest.as_slice() {
            [host] => Ok(HostSocket { path: host.path.clone(), user: Some(host.user) }),
            [] => Err(OperateError::NoHost),
            several => {
                let name = |host: &Found| {
                    format!("{} (`--host {}`)", escape_control_characters(&host.app), host.pid)
                };
                let names = several.iter().map(name);
                Err(OperateError::SeveralHosts(names.collect::<Vec<_>>().join(", ")))
            }
        }
    }
}
