//! Clients that speak TLS (S50).

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::overdue::{LIMIT, tick_through, too_long};
use super::rig::limits;
use super::{Peer, Rig, until, within};
use crate::RunnerId;
use crate::proxy::tls::TlsFiles;
use crate::proxy::{Limits, Tls};

/// A certificate for `localhost` in two files, as a client that trusts it knows it.
pub(super) struct Certificate {
    directory: TempDir,
    trusted: CertificateDer<'static>,
}

impl Certificate {
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let trusted = write(&directory);
        Self { directory, trusted }
    }

    /// Writes another certificate over this one.
    fn renew(&mut self) {
        self.trusted = write(&self.directory);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(super) fn files(&self) -> TlsFiles {
        TlsFiles { certificate: self.path("certificate"), key: self.path("key") }
    }

    fn tls(&self) -> Arc<Tls> {
        Arc::new(Tls::load(self.files()).unwrap())
    }

    /// The settings of a host with this certificate.
    pub(super) fn limits(&self) -> Limits {
        Limits { tls: Some(self.tls()), ..limits() }
    }

    /// A client that offers these protocols, the preferred one first.
    pub(super) async fn connect(
        &self,
        rig: &Rig,
        protocols: &[&[u8]],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = within(TcpStream::connect(rig.address)).await.unwrap();
        self.secure(stream, protocols).await
    }

    /// As [`connect`](Self::connect), over a connection that exists.
    pub(super) async fn secure<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        protocols: &[&[u8]],
    ) -> std::io::Result<TlsStream<S>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.trusted.clone()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        let host = ServerName::try_from("localhost").unwrap();
        within(TlsConnector::from(Arc::new(config)).connect(host, stream)).await
    }

    async fn client(&self, rig: &Rig) -> Peer<TlsStream<TcpStream>> {
        Peer::new(self.connect(rig, &[b"http/1.1"]).await.unwrap())
    }
}

fn write(directory: &TempDir) -> CertificateDer<'static> {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(directory.path().join("certificate"), cert.pem()).unwrap();
    fs::write(directory.path().join("key"), signing_key.serialize_pem()).unwrap();
    cert.der().clone()
}

#[tokio::test]
async fn a_request_over_tls_reaches_its_runner_with_the_scheme_https_s50a() {
    let certificate = Certificate::new();
    let mut rig = Rig::with(certificate.limits()).await;
    let runner = rig.runner();
    let mut client = certificate.client(&rig).await;
    for answer in ["one", "two"] {
        client.get("/").await;
        let mut connection = runner.accept().await;
        let request = connection.message().await;
        assert_eq!(request.header("x-forwarded-proto"), Some("https"));
        assert_eq!(request.header("x-forwarded-for"), Some("127.0.0.1"));
        connection.answer_with("connection: close\r\n", answer).await;
        assert_eq!(client.message().await.body, answer);
    }
}

#[tokio::test]
async fn a_large_body_passes_through_tls_in_both_directions_s50a() {
    let certificate = Certificate::new();
    let mut rig = Rig::with(certificate.limits()).await;
    let runner = rig.runner();
    let body = "x".repeat(3_000_000);
    let client = certificate.client(&rig);
    let sent = format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let exchange = async {
        let mut client = client.await;
        client.send(&sent).await;
        client.message().await
    };
    let answer = async {
        let mut connection = runner.accept().await;
        let request = connection.message().await;
        connection.answer(&request.body).await;
    };
    let (response, ()) = tokio::join!(exchange, answer);
    assert!(response.body == body);
}

#[tokio::test]
async fn a_client_of_tls_that_closes_only_its_side_gets_its_response_s50a_s43d() {
    let certificate = Certificate::new();
    let mut rig = Rig::with(certificate.limits()).await;
    let runner = rig.runner();
    let mut client = certificate.client(&rig).await;
    client.get("/").await;
    let mut connection = runner.accept().await;
    connection.head().await;
    client.close_side().await;
    connection.answer("still").await;
    let mut response = client.head().await;
    if response.status() == 100 {
        response = client.head().await;
    }
    assert_eq!(response.status(), 200);
    assert_eq!(client.exactly(5).await, "still");
}

#[tokio::test]
async fn a_client_of_tls_that_has_left_is_noticed_s50a_s38b() {
    let certificate = Certificate::new();
    let mut rig = Rig::with(certificate.limits()).await;
    let runner = rig.runner();
    let mut client = certificate.client(&rig).await;
    client.get("/").await;
    let mut connection = runner.accept().await;
    connection.head().await;
    drop(client);
    connection.closed().await;
    drop(connection);
    until(|| rig.balancer.in_flight(RunnerId::new(1)) == 0).await;
}

#[tokio::test]
async fn a_client_of_tls_that_stops_reading_loses_its_connection_s50a_s43a() {
    let certificate = Certificate::new();
    let mut rig = Rig::with(Limits { client_timeout: LIMIT, ..certificate.limits() }).await;
    let runner = rig.runner();
    let mut client = certificate.client(&rig).await;
    client.get("/").await;
    let mut connection = runner.accept().await;
    connection.head().await;
    connection.send("HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n").await;
    client.head().await;
    // More than the buffers on the way hold.
    let part = "x".repeat(1 << 20);
    let sending = tokio::spawn(async move { while connection.send_at_last(&part).await.is_ok() {} });
    while !sending.is_finished() {
        too_long().await;
    }
    until(|| rig.balancer.in_flight(RunnerId::new(1)) == 0).await;
}

#[tokio::test]
async fn a_certificate_that_is_loaded_again_serves_new_connections_s50b() {
    let mut certificate = Certificate::new();
    let tls = certificate.tls();
    let mut rig = Rig::with(Limits { tls: Some(Arc::clone(&tls)), ..limits() }).await;
    let runner = rig.runner();
    let mut old = certificate.client(&rig).await;
    certificate.renew();
    assert!(certificate.connect(&rig, &[]).await.is_err(), "the old certificate is in use until it is told");
    tls.reload().unwrap();
    let mut new = certificate.client(&rig).await;
    let mut connection = None;
    for client in [&mut old, &mut new] {
        client.get("/").await;
        let connection = match &mut connection {
            Some(connection) => connection,
            none => none.insert(runner.accept().await),
        };
        connection.message().await;
        connection.answer("ok").await;
        assert_eq!(client.message().await.body, "ok");
    }
}

#[tokio::test]
async fn a_bad_file_keeps_the_certificate_and_its_error_says_what_is_wrong_s50b() {
    let certificate = Certificate::new();
    let tls = certificate.tls();
    let rig = Rig::with(Limits { tls: Some(Arc::clone(&tls)), ..limits() }).await;
    let key = fs::read(certificate.path("key")).unwrap();
    let other = Certificate::new();
    let files = |certificate: &Certificate| (certificate.path("certificate"), certificate.path("key"));
    let (certificate_file, key_file) = files(&certificate);
    let breakages: [(&str, &dyn Fn()); 5] = [
        ("cannot read the certificate ", &|| fs::remove_file(&certificate_file).unwrap()),
        ("-----BEGIN CERTIFICATE-----", &|| fs::write(&certificate_file, "text").unwrap()),
        ("-----BEGIN PRIVATE KEY-----", &|| {
            fs::copy(other.path("certificate"), &certificate_file).unwrap();
            fs::write(&key_file, "").unwrap();
        }),
        ("cannot use the certificate ", &|| fs::write(&key_file, &key).unwrap()),
        ("cannot read the key ", &|| fs::remove_file(&key_file).unwrap()),
    ];
    for (expected, break_it) in breakages {
        break_it();
        let error = tls.reload().unwrap_err().to_string();
        assert!(error.contains(expected), "{expected}: {error}");
        assert!(error.contains(certificate.directory.path().to_str().unwrap()), "{error}");
    }
    certificate.client(&rig).await;
}

#[tokio::test]
async fn a_client_that_makes_no_handshake_is_closed_after_ten_seconds_s50c() {
    let certificate = Certificate::new();
    let rig = Rig::with(certificate.limits()).await;
    let mut silent = rig.client().await;
    // The beginning of a handshake.
    silent.send("\u{16}\u{3}\u{1}").await;
    let began = tokio::time::Instant::now();
    tokio::time::pause();
    silent.closed_at_last().await;
    let took = began.elapsed().as_secs();
    assert!((10..=12).contains(&took), "{took} s");
}

#[tokio::test]
async fn a_client_that_speaks_no_tls_is_closed_and_costs_no_runner_anything_s50c() {
    let certificate = Certificate::new();
    let mut rig = Rig::with(certificate.limits()).await;
    let _runner = rig.runner();
    let mut client = rig.get("/").await;
    client.closed().await;
    assert_eq!(rig.balancer.in_flight(RunnerId::new(1)), 0);
}

#[tokio::test]
async fn a_client_that_begins_a_head_after_it_was_idle_reads_the_end_of_tls_when_the_host_stops_s43h_s66c() {
    let certificate = Certificate::new();
    let mut rig = Rig::with(certificate.limits()).await;
    let runner = rig.runner();
    let mut stream = certificate.connect(&rig, &[b"http/1.1"]).await.unwrap();
    let mut client = Peer::new(&mut stream);
    client.get("/").await;
    let mut connection = runner.accept().await;
    connection.message().await;
    connection.answer("ok").await;
    assert_eq!(client.message().await.body, "ok");
    tick_through(Duration::from_secs(5)).await;
    client.send("GET /next HTTP/1.1\r\n").await;
    rig.balancer.stop();
    rig.stop_server();
    // Without `close_notify` this is an error.
    assert_eq!(within(stream.read(&mut [0; 64])).await.unwrap(), 0);
}
