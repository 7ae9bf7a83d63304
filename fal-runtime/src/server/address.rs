use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// Where a runner listens: `unix:PATH` or `tcp:HOST:PORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ListenAddress {
    /// A Unix socket at this path.
    Unix(PathBuf),
    /// A TCP port; 0 lets the system choose one.
    Tcp {
        /// A name or an IP address, an IPv6 one without its brackets.
        host: String,
        port: u16,
    },
}

/// Why a text is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AddressError {
    #[error(
        "`{0}` does not say what kind of address it is: write `tcp:127.0.0.1:8081` or `unix:/path/to/socket`"
    )]
    Kind(String),
    #[error("`{0}` does not say what kind of address it is: write `tcp:{0}`")]
    Bare(String),
    #[error("`unix:` lacks the path of the socket: write `unix:/path/to/socket`")]
    Path,
    #[error("`{0}` lacks a host or a port: write `tcp:127.0.0.1:8081`, with port 0 to have one chosen")]
    Authority(String),
    #[error("`{0}` is no port: write a number from 0 to 65535")]
    Port(String),
}

impl FromStr for ListenAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        match text.split_once(':') {
            Some(("unix", "")) => Err(AddressError::Path),
            Some(("unix", path)) => Ok(Self::Unix(path.into())),
            Some(("tcp", authority)) => {
                let (host, port) = authority
                    .rsplit_once(':')
                    .ok_or_else(|| AddressError::Authority(authority.to_owned()))?;
                let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
                if host.is_empty() {
                    return Err(AddressError::Authority(authority.to_owned()));
                }
                let port = port.parse().map_err(|_| AddressError::Port(port.to_owned()))?;
                Ok(Self::Tcp { host: host.to_owned(), port })
            }
            // The form that `run` takes.
            _ if text.parse::<SocketAddr>().is_ok() => Err(AddressError::Bare(text.to_owned())),
            _ => Err(AddressError::Kind(text.to_owned())),
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp { host, port } if host.contains(':') => write!(f, "tcp:[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "tcp:{host}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_back_as_it_is_written() {
        for text in ["unix:/run/app.sock", "unix:relative:with:colons", "tcp:127.0.0.1:0", "tcp:[::1]:8081"] {
            assert_eq!(text.parse::<ListenAddress>().unwrap().to_string(), text);
        }
        let tcp = ListenAddress::Tcp { host: "localhost".into(), port: 8081 };
        assert_eq!("tcp:localhost:8081".parse(), Ok(tcp));
    }

    #[test]
    fn a_text_that_is_no_address_is_answered_with_what_to_write() {
        for text in
            ["", "8081", "127.0.0.1:8081", "unix:", "tcp:8081", "tcp::8081", "tcp:host:http", "udp:h:1"]
        {
            let error = text.parse::<ListenAddress>().unwrap_err().to_string();
            assert!(error.contains("write"), "{text}: {error}");
        }
        let bare = "127.0.0.1:9000".parse::<ListenAddress>().unwrap_err().to_string();
        assert!(bare.ends_with("write `tcp:127.0.0.1:9000`"), "{bare}");
    }
}
