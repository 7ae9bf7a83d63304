//! The listening sockets of a host.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;

use super::error::{ListenerKind, StartError};

/// The addresses of a host, with the ports that the system chose.
#[derive(Clone, Copy, Debug)]
pub(super) struct Addresses {
    pub(super) requests: SocketAddr,
    pub(super) admin: Option<SocketAddr>,
    pub(super) probes: Option<SocketAddr>,
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
    pub(super) async fn bind(
        requests: SocketAddr,
        admin: Option<SocketAddr>,
        probes: Option<SocketAddr>,
    ) -> Result<Self, StartError> {
        let failed = |source| listen_error(ListenerKind::Requests, requests, source);
        let listener = TcpListener::bind(requests).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let admin = bind(ListenerKind::Admin, admin).await?;
        let probes = bind(ListenerKind::Probes, probes).await?;
        Ok(Self { requests: listener, address, admin, probes })
    }

    pub(super) fn addresses(&self) -> Addresses {
        let address_of = |listener: &Option<TcpListener>| listener.as_ref()?.local_addr().ok();
        Addresses { requests: self.address, admin: address_of(&self.admin), probes: address_of(&self.probes) }
    }
}

async fn bind(kind: ListenerKind, address: Option<SocketAddr>) -> Result<Option<TcpListener>, StartError> {
    let Some(address) = address else { return Ok(None) };
    let bound = TcpListener::bind(address).await;
    bound.map(Some).map_err(|source| listen_error(kind, address, source))
}

fn listen_error(listener: ListenerKind, address: SocketAddr, source: io::Error) -> StartError {
    StartError::Listen { listener, address, source }
}
