//! Where a runner listens, and where a host connects.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// An address that a host connects to: `unix:PATH` or `tcp:IP:PORT`.
///
/// It has no host names: see [the contract](super#addresses) for the reason.
///
/// ```
/// use fal_health::protocol::Address;
///
/// let address: Address = "tcp:127.0.0.1:8081".parse()?;
/// assert_eq!(address.to_string(), "tcp:127.0.0.1:8081");
/// assert_eq!("unix:/run/app.sock".parse::<Address>()?, Address::Unix("/run/app.sock".into()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// The path of a Unix socket. The system allows about 100 bytes. Bytes that are not UTF-8 are displayed as a
    /// replacement character.
    Unix(PathBuf),
    /// An IP address and a port.
    Tcp(SocketAddr),
}

/// An address that a runner listens on: `unix:PATH` or `tcp:HOST:PORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAddress {
    /// The path of a Unix socket, as in [`Address::Unix`].
    Unix(PathBuf),
    /// A host and a port.
    Tcp {
        /// A host name or an IP address, an IPv6 address without brackets.
        host: String,
        /// The port; with 0 the system chooses one.
        port: u16,
    },
}

/// A text that is not an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// It begins with neither `unix:` nor `tcp:`.
    #[error(
        "`{0}` is not an address: expected unix:PATH or tcp:HOST:PORT; write for example tcp:127.0.0.1:8081"
    )]
    Scheme(String),
    /// It is an IP address and a port, without `tcp:`.
    #[error("`{0}` is not an address: expected unix:PATH or tcp:HOST:PORT; write `tcp:{0}`")]
    MissingScheme(SocketAddr),
    /// There is no path after `unix:`.
    #[error("`unix:` is not an address: the path is missing; write for example unix:/run/app.sock")]
    MissingPath,
    /// There is no host or no port after `tcp:`.
    #[error("`tcp:{0}` lacks a host or a port: expected tcp:HOST:PORT; write for example tcp:127.0.0.1:8081")]
    MissingPart(String),
    /// The port is not a number, or out of range.
    #[error("invalid port `{0}`: expected a number from 0 to 65535; write 0 to let the system choose one")]
    Port(String),
    /// The host is a name where an [`Address`] needs an IP address.
    #[error("`{0}` is not an IP address: a host connects to IP addresses only; write for example 127.0.0.1")]
    Name(String),
}

impl FromStr for ListenAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        match text.split_once(':') {
            Some(("unix", "")) => Err(AddressError::MissingPath),
            Some(("unix", path)) => Ok(Self::Unix(path.into())),
            Some(("tcp", authority)) => {
                let missing = || AddressError::MissingPart(authority.to_owned());
                let (host, port) = authority.rsplit_once(':').ok_or_else(missing)?;
                let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
                if host.is_empty() || port.is_empty() {
                    return Err(missing());
                }
                let port = port.parse().map_err(|_| AddressError::Port(port.to_owned()))?;
                Ok(Self::Tcp { host: host.to_owned(), port })
            }
            _ => Err(text
                .parse()
                .map_or_else(|_| AddressError::Scheme(text.to_owned()), AddressError::MissingScheme)),
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        text.parse::<ListenAddress>()?.try_into()
    }
}

impl TryFrom<ListenAddress> for Address {
    type Error = AddressError;

    fn try_from(address: ListenAddress) -> Result<Self, AddressError> {
        match address {
            ListenAddress::Unix(path) => Ok(Self::Unix(path)),
            ListenAddress::Tcp { host, port } => {
                let socket = Authority { host: &host, port }.to_string().parse();
                socket.map(Self::Tcp).map_err(|_| AddressError::Name(host))
            }
        }
    }
}

impl From<Address> for ListenAddress {
    fn from(address: Address) -> Self {
        match address {
            Address::Unix(path) => Self::Unix(path),
            Address::Tcp(socket) => socket.into(),
        }
    }
}

impl From<SocketAddr> for ListenAddress {
    fn from(socket: SocketAddr) -> Self {
        Self::Tcp { host: socket.ip().to_string(), port: socket.port() }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp { host, port } => write!(f, "tcp:{}", Authority { host, port: *port }),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp(socket) => write!(f, "tcp:{socket}"),
        }
    }
}

/// `HOST:PORT`, an IPv6 address in brackets.
struct Authority<'a> {
    host: &'a str,
    port: u16,
}

impl fmt::Display for Authority<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_back_as_it_is_written() {
        for text in ["unix:/run/app.sock", "unix:relative:with:colons", "tcp:127.0.0.1:0", "tcp:[::1]:8081"] {
            let (listen, connect): (ListenAddress, Address) = (text.parse().unwrap(), text.parse().unwrap());
            assert_eq!(listen.to_string(), text);
            assert_eq!(connect.to_string(), text);
            assert_eq!(ListenAddress::from(connect.clone()), listen);
            assert_eq!(Address::try_from(listen), Ok(connect));
        }
    }

    #[test]
    fn a_runner_may_listen_on_a_name_and_a_host_connects_to_ip_addresses_only() {
        let named = ListenAddress::Tcp { host: "localhost".into(), port: 8081 };
        assert_eq!(named.to_string(), "tcp:localhost:8081");
        assert_eq!("tcp:localhost:8081".parse(), Ok(named));
        assert_eq!("tcp:localhost:8081".parse::<Address>(), Err(AddressError::Name("localhost".into())));
    }

    #[test]
    fn an_error_says_what_is_wrong_what_was_expected_and_what_to_write() {
        let errors = [
            (
                "",
                "`` is not an address: expected unix:PATH or tcp:HOST:PORT; write for example tcp:127.0.0.1:8081",
            ),
            (
                "8081",
                "`8081` is not an address: expected unix:PATH or tcp:HOST:PORT; write for example tcp:127.0.0.1:8081",
            ),
            (
                "udp:h:1",
                "`udp:h:1` is not an address: expected unix:PATH or tcp:HOST:PORT; write for example tcp:127.0.0.1:8081",
            ),
            (
                "127.0.0.1:9000",
                "`127.0.0.1:9000` is not an address: expected unix:PATH or tcp:HOST:PORT; write `tcp:127.0.0.1:9000`",
            ),
            ("unix:", "`unix:` is not an address: the path is missing; write for example unix:/run/app.sock"),
            (
                "tcp:8081",
                "`tcp:8081` lacks a host or a port: expected tcp:HOST:PORT; write for example tcp:127.0.0.1:8081",
            ),
            (
                "tcp::8081",
                "`tcp::8081` lacks a host or a port: expected tcp:HOST:PORT; write for example tcp:127.0.0.1:8081",
            ),
            (
                "tcp:h:",
                "`tcp:h:` lacks a host or a port: expected tcp:HOST:PORT; write for example tcp:127.0.0.1:8081",
            ),
            (
                "tcp:h:http",
                "invalid port `http`: expected a number from 0 to 65535; write 0 to let the system choose one",
            ),
            (
                "tcp:h:1",
                "`h` is not an IP address: a host connects to IP addresses only; write for example 127.0.0.1",
            ),
        ];
        for (text, error) in errors {
            assert_eq!(text.parse::<Address>().unwrap_err().to_string(), error, "{text:?}");
        }
    }
}
