//! A listening socket, on TCP or a Unix path.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::{Path, PathBuf};

use fal_health::protocol::ListenAddress;
use tokio::net::{TcpListener, TcpSocket, TcpStream, UnixListener, UnixSocket, UnixStream};

use super::transport_stream::TransportStream;

/// A listening socket.
#[derive(Debug)]
pub(crate) enum Listener {
    Unix { listener: UnixListener, path: PathBuf },
    Tcp { listener: TcpListener, address: SocketAddr },
}

/// A failure to listen.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}")]
pub(crate) struct ListenError {
    address: ListenAddress,
    pub(super) source: io::Error,
}

impl Listener {
    /// Binds and listens. A stale socket file, as a killed process leaves it, is replaced.
    pub(crate) async fn bind(address: ListenAddress) -> Result<Self, ListenError> {
        let listener = match &address {
            ListenAddress::Unix(path) => bind_unix(path),
            ListenAddress::Tcp { host, port } => bind_tcp(host, *port).await,
        };
        listener.map_err(|source| ListenError { address, source })
    }

    /// Checks that the address is available, without listening: clients must not connect before `setup` is done. It
    /// blocks while it resolves a host name.
    pub(crate) fn check_available(address: &ListenAddress) -> Result<(), ListenError> {
        let bound = match address {
            ListenAddress::Unix(path) => check_unix(path),
            ListenAddress::Tcp { host, port } => check_tcp(host, *port),
        };
        bound.map_err(|source| ListenError { address: address.clone(), source })
    }

    /// The address, with the port that the system chose.
    pub(crate) fn address(&self) -> ListenAddress {
        match self {
            Self::Unix { path, .. } => ListenAddress::Unix(path.clone()),
            Self::Tcp { address, .. } => (*address).into(),
        }
    }

    /// Accepts the next connection. It is cancel-safe.
    pub(super) async fn accept(&self) -> io::Result<TransportStream> {
        match self {
            Self::Unix { listener, .. } => Ok(TransportStream::Unix(listener.accept().await?.0)),
            Self::Tcp { listener, .. } => tcp(listener.accept().await?.0),
        }
    }

    /// Stops listening and returns the connections that are queued.
    ///
    /// On a Linux Unix socket no connection is lost: the file is removed first, then the kernel refuses new
    /// connections, and then the queue is complete. On macOS and with TCP, a connection made at this moment may be
    /// reset.
    pub(super) fn close(self) -> io::Result<Vec<TransportStream>> {
        let mut queued = Vec::new();
        match self {
            Self::Unix { listener, path } => {
                // The file may be gone already, with its directory.
                let _ = std::fs::remove_file(path);
                let listener = listener.into_std()?;
                #[cfg(target_os = "linux")]
                rustix::net::shutdown(&listener, rustix::net::Shutdown::Read)?;
                while let Ok((stream, _)) = listener.accept() {
                    let adopted = stream.set_nonblocking(true).and_then(|()| UnixStream::from_std(stream));
                    queued.extend(adopted.map(TransportStream::Unix));
                }
            }
            Self::Tcp { listener, .. } => {
                let listener = listener.into_std()?;
                while let Ok((stream, _)) = listener.accept() {
                    let adopted = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream));
                    queued.extend(adopted.and_then(tcp));
                }
            }
        }
        Ok(queued)
    }
}

fn tcp(stream: TcpStream) -> io::Result<TransportStream> {
    stream.set_nodelay(true)?;
    Ok(TransportStream::Tcp(stream))
}

async fn bind_tcp(host: &str, port: u16) -> io::Result<Listener> {
    let listener = TcpListener::bind((host, port)).await?;
    let address = listener.local_addr()?;
    Ok(Listener::Tcp { listener, address })
}

fn check_tcp(host: &str, port: u16) -> io::Result<()> {
    let mut outcome = Err(io::ErrorKind::AddrNotAvailable.into());
    for address in (host, port).to_socket_addrs()? {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // As the later bind does: connections of an earlier process do not block the address.
        socket.set_reuseaddr(true)?;
        outcome = socket.bind(address);
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

fn check_unix(path: &Path) -> io::Result<()> {
    match UnixSocket::new_stream()?.bind(path) {
        // The bind has created the file.
        Ok(()) => std::fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_stale(path) => Ok(()),
        Err(error) => Err(with_advice(error, path)),
    }
}

/// A path length in bytes that every system accepts; Linux accepts 107.
const MAX_SOCKET_PATH: usize = 100;

fn bind_unix(path: &Path) -> io::Result<Listener> {
    let listener = match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_stale(path) => {
            std::fs::remove_file(path)?;
            UnixListener::bind(path)
        }
        bound => bound,
    };
    let listener = listener.map_err(|error| with_advice(error, path))?;
    Ok(Listener::Unix { listener, path: path.to_owned() })
}

/// Adds advice to the error if the path is too long.
fn with_advice(error: io::Error, path: &Path) -> io::Error {
    let length = path.as_os_str().len();
    if error.kind() == io::ErrorKind::InvalidInput && length > MAX_SOCKET_PATH {
        let advice = format!("the path has {length} bytes: use one of at most {MAX_SOCKET_PATH} bytes");
        return io::Error::new(io::ErrorKind::InvalidInput, advice);
    }
    error
}

fn is_stale(path: &Path) -> bool {
    // Connecting to a regular file is refused, too.
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    is_socket
        && StdUnixStream::connect(path).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}
