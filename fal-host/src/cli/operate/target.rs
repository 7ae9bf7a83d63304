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

    /// The apps of this program. Hosts of other apps count only if an option names one of them (S88d). Empty: any app.
    #[arg(skip)]
    pub(super) apps: Vec<String>,
}

impl Target {
    /// The same for a program with only these apps ([S88d](fal_health::semantics#s88d)).
    #[must_use]
    pub fn of_apps<'a>(self, apps: impl IntoIterator<Item = &'a str>) -> Self {
        Self { apps: apps.into_iter().map(control_sockets::name_of).collect(), ..self }
    }

    /// The host's socket.
    pub(super) fn socket(&self) -> Result<HostSocket, OperateError> {
        if let Some(path) = &self.socket {
            return Ok(HostSocket { path: path.clone(), user: None });
        }
        let mut found = control_sockets::find();
        found.push(foreign_sockets::find());
        self.choose(found)
    }

    /// The only host in the nearest directory with any: those with the environment of this process come first.
    fn choose(&self, found: Vec<Vec<Found>>) -> Result<HostSocket, OperateError> {
        let is_meant = |host: &Found| match self.host {
            Some(pid) => host.pid == pid,
            None => self.apps.is_empty() || self.apps.contains(&host.app),
        };
        let (mut others, mut nearest) = (Vec::new(), Vec::new());
        for hosts in found {
            let (meant, other): (Vec<_>, Vec<_>) = hosts.into_iter().partition(is_meant);
            others.extend(other);
            if nearest.is_empty() {
                nearest = meant;
            }
        }
        match nearest.as_slice() {
            [host] => Ok(HostSocket { path: host.path.clone(), user: Some(host.user) }),
            [] if others.is_empty() || self.host.is_some() => Err(OperateError::NoHost),
            [] => Err(OperateError::OtherApps(names(&others))),
            several => Err(OperateError::SeveralHosts(names(several))),
        }
    }
}

/// The hosts with the option that chooses each.
fn names(hosts: &[Found]) -> String {
    let name = |host: &Found| format!("{} (`--host {}`)", escape_control_characters(&host.app), host.pid);
    hosts.iter().map(name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(app: &str, pid: u32) -> Found {
        Found { app: app.to_owned(), pid, path: format!("/{pid}").into(), user: 0 }
    }

    fn chosen(target: &Target, found: &[&[&Found]]) -> Result<String, String> {
        let found = found.iter().map(|hosts| hosts.iter().copied().cloned().collect()).collect();
        let chosen = target.choose(found).map_err(|error| error.to_string())?;
        Ok(chosen.path.display().to_string())
    }

    #[test]
    fn a_program_controls_hosts_of_its_own_apps_s88d() {
        let own = Target::default().of_apps(["my app", "second"]);
        let (mine, other) = (&host("my-app", 1), &host("other", 2));
        assert_eq!(chosen(&own, &[&[mine, other]]), Ok("/1".to_owned()));
        let farther = chosen(&own, &[&[other], &[mine]]);
        assert_eq!(farther, Ok("/1".to_owned()), "the nearer directory has none of its hosts");
        let error = chosen(&own, &[&[other]]).unwrap_err();
        assert!(error.contains("other (`--host 2`)") && error.contains("another app"), "{error}");
        let named = Target { host: Some(2), ..own };
        assert_eq!(chosen(&named, &[&[mine, other]]), Ok("/2".to_owned()));
        assert!(chosen(&named, &[&[mine]]).unwrap_err().contains("no host of this user"));
        let any = Target::default();
        assert!(chosen(&any, &[&[mine, other]]).unwrap_err().contains("several hosts"));
        assert_eq!(chosen(&any, &[&[other]]), Ok("/2".to_owned()));
    }
}
