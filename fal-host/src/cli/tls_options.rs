//! The options of a host that serves TLS.

use std::path::PathBuf;

use clap::Args;

use crate::HostBuilder;

/// The certificate of a host.
#[derive(Debug, Args)]
pub(super) struct TlsOptions {
    /// The certificate for TLS, a PEM file
    ///
    /// The host then speaks HTTPS on `--listen`. Intermediate certificates follow the host's own. SIGHUP loads the file
    /// again; if that fails, the host keeps the certificate that it has.
    #[arg(long, value_name = "FILE", env = "FAL_TLS_CERTIFICATE", requires = "tls_key")]
    pub(super) tls_certificate: Option<PathBuf>,

    /// The private key of the certificate, a PEM file
    ///
    /// SIGHUP loads it again together with the certificate.
    #[arg(long, value_name = "FILE", env = "FAL_TLS_KEY", requires = "tls_certificate")]
    pub(super) tls_key: Option<PathBuf>,
}

impl TlsOptions {
    pub(super) fn is_set(&self) -> bool {
        self.tls_key.is_some()
    }

    pub(super) fn apply(&self, host: HostBuilder) -> HostBuilder {
        match (&self.tls_certificate, &self.tls_key) {
            (Some(certificate), Some(key)) => host.tls(certificate, key),
            _ => host,
        }
    }
}
