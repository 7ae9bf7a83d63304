//! The listening sockets of a host.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use serde_json::Value;
use tokio::net::TcpListener;

use super::error::{ListenerKind, StartError};

/// The addresses of a host, with the ports that the system chose.
#[derive(Clone, Copy, Debug)]
pub(super) struct Addresses {
    pub(super) requests: SocketAddr,
    pub(super) admin: Option<SocketAddr>,
    pub(super) probes: Option<SocketAddr>,
}

impl Addresses {
    /// Adds each address, and the path of the Unix socket, to the option that sets it, in effective settings as JSON, unless it is
    /// the option's own value (S86c).
    pub(super) fn add_to(&self, settings: &str, control_socket: Option<&Path>) -> String {
        let Ok(mut json) = serde_json::from_str::<Value>(settings) else { return settings.to_owned() };
        let text = |address: SocketAddr| address.to_string();
        let bound = [
            ("listen", Some(text(self.requests))),
            ("admin", self.admin.map(text)),
            ("probes", self.probes.map(text)),
            ("control_socket", control_socket.map(|path| path.display().to_string())),
        ];
        for (option, address) in bound {
            let option = json.pointer_mut(&format!("/host/{option}")).and_then(Value::as_object_mut);
            let (Some(option), Some(address)) = (option, address) else { continue };
            if option.get("value").and_then(Value::as_str) != Some(&*address) {
                option.insert("bound".to_owned(), address.into());
            }
        }
        json.to_string()
    }
}

/// The listening sockets of a host.
#[derive(Debug)]
pub(super) struct Listeners {
    pub(super) requests: TcpListener,
    address: SocketAddr,
    pub(super) admin: Option<TcpListener>,
    pub(super) probes: Option<TcpListener>,
}

impl Listeners {
    /// Binds the addresses, except those of inherited sockets.
    pub(super) async fn bind(
        requests: SocketAddr,
        admin: Option<SocketAddr>,
        probes: Option<SocketAddr>,
        inherited: Vec<(ListenerKind, StdListener)>,
    ) -> Result<Self, StartError> {
        let mut inherited = Inherited(inherited);
        let failed = |source| listen_error(ListenerKind::Requests, requests, source);
        let listener = match inherited.take(ListenerKind::Requests) {
            Some(socket) => adopt(socket).map_err(failed)?,
            None => TcpListener::bind(requests).await.map_err(failed)?,
        };
        let address = listener.local_addr().map_err(failed)?;
        let admin = inherited.take_or_bind(ListenerKind::Admin, admin).await?;
        let probes = inherited.take_or_bind(ListenerKind::Probes, probes).await?;
        Ok(Self { requests: listener, address, admin, probes })
    }

    /// Further descriptors of the sockets, for a host that takes over.
    pub(super) fn duplicate(&self) -> io::Result<SharedSockets> {
        let all = [
            (ListenerKind::Requests, Some(&self.requests)),
            (ListenerKind::Admin, self.admin.as_ref()),
            (ListenerKind::Probes, self.probes.as_ref()),
        ];
        let open = all.into_iter().filter_map(|(kind, listener)| Some((kind, listener?)));
        let duplicate =
            |(kind, listener): (_, &TcpListener)| Ok((kind, listener.as_fd().try_clone_to_owned()?));
        open.map(duplicate).collect::<io::Result<_>>().map(SharedSockets)
    }

    pub(super) fn addresses(&self) -> Addresses {
        let address_of = |listener: &Option<TcpListener>| listener.as_ref()?.local_addr().ok();
        Addresses { requests: self.address, admin: address_of(&self.admin), probes: address_of(&self.probes) }
    }
}

/// Further descriptors of the sockets that a host listens on, while it does.
#[derive(Debug)]
pub(crate) struct SharedSockets(
    #[cfg_attr(not(feature = "cli"), expect(dead_code, reason = "only a program can be upgraded"))]
    pub(crate) Vec<(ListenerKind, OwnedFd)>,
);

/// Sockets that listen already.
#[derive(Debug)]
struct Inherited(Vec<(ListenerKind, StdListener)>);

impl Inherited {
    fn take(&mut self, kind: ListenerKind) -> Option<StdListener> {
        let at = self.0.iter().position(|(known, _)| *known == kind)?;
        Some(self.0.remove(at).1)
    }

    async fn take_or_bind(
        &mut self,
        kind: ListenerKind,
        address: Option<SocketAddr>,
    ) -> Result<Option<TcpListener>, StartError> {
        let bound = match (self.take(kind), address) {
            (Some(socket), _) => adopt(socket),
            (None, Some(address)) => TcpListener::bind(address).await,
            (None, None) => return Ok(None),
        };
        let address = address.unwrap_or_else(|| SocketAddr::from(([0, 0, 0, 0], 0)));
        bound.map(Some).map_err(|source| listen_error(kind, address, source))
    }
}

fn adopt(socket: StdListener) -> io::Result<TcpListener> {
    socket.set_nonblocking(true)?;
    TcpListener::from_std(socket)
}

fn listen_error(listener: ListenerKind, address: SocketAddr, source: io::Error) -> StartError {
    StartError::Listen { listener, address, source }
}
