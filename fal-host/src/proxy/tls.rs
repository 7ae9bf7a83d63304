//! TLS between clients and the host: the certificate, how it is loaded and loaded again, and the handshake.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

use super::client_io::{Secured, Socket};
use super::protocol::Protocol;

/// The protocols that clients may choose by ALPN, the preferred one first.
const PROTOCOLS: &[(&[u8], Protocol)] = &[
    #[cfg(feature = "http2")]
    (b"h2", Protocol::Http2),
    (b"http/1.1", Protocol::Http1),
];

/// The files of a certificate chain and its key, both in PEM.
#[derive(Clone, Debug)]
pub(crate) struct TlsFiles {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// A certificate with its key, in files that may be replaced.
pub(crate) struct Tls {
    files: TlsFiles,
    /// What the next handshake uses.
    current: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    /// Loads a certificate.
    pub(crate) fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let current = RwLock::new(Arc::new(files.load()?));
        Ok(Self { files, current })
    }

    /// Loads both files again, for handshakes from now on. After an error nothing has changed.
    pub(crate) fn reload(&self) -> Result<(), TlsError> {
        let config = self.files.load()?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
        Ok(())
    }

    /// Makes the handshake. It takes as long as the client does.
    pub(super) async fn accept(&self, socket: Socket) -> io::Result<Secured> {
        let config = Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner));
        let stream = TlsAcceptor::from(config).accept(socket).await?;
        let chosen = stream.get_ref().1.alpn_protocol();
        let protocol = PROTOCOLS.iter().find(|(name, _)| chosen == Some(name));
        let protocol = protocol.map_or(Protocol::Http1, |(_, protocol)| *protocol);
        Ok(Secured { stream: Box::new(stream), protocol })
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("files", &self.files).finish_non_exhaustive()
    }
}

/// Why a certificate or its key cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read, or is malformed.
    #[error("cannot read the {what} {}: {reason}", .path.display())]
    Read {
        /// The file's content: `certificate` or `key`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system or the parser says.
        reason: String,
    },
    /// A file has no certificate or key in it.
    #[error("{} has no {what}: expected PEM with a line `-----BEGIN {marker}-----`", .path.display())]
    Missing {
        /// What was expected: `certificate` or `key`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The label of the PEM section.
        marker: &'static str,
    },
    /// The key is of an unsupported kind, or does not belong to the certificate.
    #[error("cannot use the certificate {} with the key {}: {reason}", .certificate.display(), .key.display())]
    Unusable {
        /// The file with the certificate.
        certificate: PathBuf,
        /// The file with the key.
        key: PathBuf,
        /// What the TLS library says.
        reason: String,
    },
}

impl TlsFiles {
    fn load(&self) -> Result<ServerConfig, TlsError> {
        let Self { certificate, key } = self;
        let chain = CertificateDer::pem_file_iter(certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| unreadable("certificate", certificate, &error))?;
        if chain.is_empty() {
            return Err(missing("certificate", certificate, "CERTIFICATE"));
        }
        let private_key = match PrivateKeyDer::from_pem_file(key) {
            Err(pem::Error::NoItemsFound) => return Err(missing("key", key, "PRIVATE KEY")),
            private_key => private_key.map_err(|error| unreadable("key", key, &error))?,
        };
        let unusable = |error: rustls::Error| TlsError::Unusable {
            certificate: certificate.clone(),
            key: key.clone(),
            reason: error.to_string(),
        };
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_no_client_auth()
            .with_single_cert(chain, private_key)
            .map_err(unusable)?;
        config.alpn_protocols = PROTOCOLS.iter().map(|(name, _)| name.to_vec()).collect();
        Ok(config)
    }
}

fn unreadable(what: &'static str, path: &Path, error: &pem::Error) -> TlsError {
    let reason = match error {
        pem::Error::Io(error) => error.to_string(),
        error => error.to_string(),
    };
    TlsError::Read { what, path: path.to_owned(), reason }
}

fn missing(what: &'static str, path: &Path, marker: &'static str) -> TlsError {
    TlsError::Missing { what, path: path.to_owned(), marker }
}
