//! Clients that still send when they get their last response (S43j).

use axum::extract::DefaultBodyLimit;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::*;

const UPLOAD: usize = 5_000_000;

/// Longer than the head that hyper reads, and than the buffers of the system.
const HEAD: usize = 3_000_000;

trait Client: AsyncRead + AsyncWrite + Unpin + Send {}

impl<C: AsyncRead + AsyncWrite + Unpin + Send> Client for C {}

/// Answers before it has read the body.
fn early() -> Router {
    Router::new()
        .route("/", post(async || "answered"))
        .route("/limited", post(async |_: Bytes| "answered").layer(DefaultBodyLimit::max(1000)))
        .route(
            "/panics",
            post(async || {
                panic!("the handler panics");
                #[expect(unreachable_code, reason = "its type is that of a handler")]
                ""
            }),
        )
}

/// A server over a Unix socket and one over TCP.
async fn servers(directory: &TempDir, router: Router) -> [Server; 2] {
    let tcp = Listener::bind("tcp:127.0.0.1:0".parse().unwrap()).await.unwrap();
    [
        Server::start(listen_in(directory).await, router.clone(), ReadTimeout::Unlimited),
        Server::start(tcp, router, ReadTimeout::Unlimited),
    ]
}

async fn client_of(server: &Server) -> Box<dyn Client> {
    match server.address() {
        ListenAddress::Unix(path) => Box::new(UnixStream::connect(path).await.unwrap()),
        ListenAddress::Tcp { host, port } => {
            Box::new(TcpStream::connect((host.as_str(), *port)).await.unwrap())
        }
    }
}

/// The head of a request with a body of [`UPLOAD`] bytes.
fn upload_to(path: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: runner\r\ncontent-length: {UPLOAD}\r\n\r\n")
}

/// Reads until the response has begun, and so until the server reads no more of the request.
async fn begin_of_response(client: &mut Box<dyn Client>) -> String {
    let mut text = String::new();
    while !text.contains("\r\n\r\n") {
        let mut bytes = [0; 512];
        let read = client.read(&mut bytes).await.unwrap();
        assert_ne!(read, 0, "the connection ended after {text:?}");
        text += std::str::from_utf8(&bytes[..read]).unwrap();
    }
    text
}

async fn rest(client: &mut Box<dyn Client>) -> String {
    let mut text = String::new();
    client.read_to_string(&mut text).await.expect("the connection is not reset");
    text
}

#[tokio::test]
async fn a_client_that_sends_its_whole_body_first_reads_why_it_was_refused_s43j() {
    let directory = TempDir::new().unwrap();
    for server in servers(&directory, early()).await {
        for (path, status) in [("/missing", 404), ("/limited", 413), ("/", 200), ("/panics", 500)] {
            let mut client = client_of(&server).await;
            client.write_all(upload_to(path).as_bytes()).await.unwrap();
            client.write_all(&vec![b'x'; UPLOAD]).await.expect("the rest of the body is taken");
            let text = rest(&mut client).await;
            assert!(text.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {text}");
            assert!(text.contains("connection: close\r\n"), "{path}: {text}");
        }
    }
}

#[tokio::test]
async fn a_client_that_sends_after_its_response_has_begun_reads_all_of_it_s43j() {
    let directory = TempDir::new().unwrap();
    for server in servers(&directory, early()).await {
        let mut client = client_of(&server).await;
        client.write_all(upload_to("/").as_bytes()).await.unwrap();
        let begin = begin_of_response(&mut client).await;
        for part in vec![b'x'; UPLOAD].chunks(100_000) {
            client.write_all(part).await.expect("the rest of the body is taken");
        }
        let text = begin + &rest(&mut client).await;
        assert!(text.ends_with("answered"), "{text}");
    }
}

#[tokio::test]
async fn a_client_whose_head_is_malformed_or_too_large_reads_so_s43j() {
    let directory = TempDir::new().unwrap();
    let large = format!("GET / HTTP/1.1\r\nlarge: {}\r\n\r\n", "x".repeat(HEAD));
    let malformed = format!("GET / HTTP/1.1\r\nno field\r\n\r\n{}", "x".repeat(HEAD));
    for server in servers(&directory, early()).await {
        for (head, status) in [(&large, "431"), (&malformed, "400")] {
            let mut client = client_of(&server).await;
            client.write_all(head.as_bytes()).await.expect("the rest is taken");
            let text = rest(&mut client).await;
            assert!(text.starts_with(&format!("HTTP/1.1 {status}")), "{text}");
        }
    }
}

#[tokio::test]
async fn a_client_that_still_sends_in_another_protocol_reads_its_end_s43j_s70() {
    let switch = async |mut request: axum::extract::Request| {
        let upgrade = hyper::upgrade::on(&mut request);
        tokio::spawn(async move {
            TokioIo::new(upgrade.await.unwrap()).write_all(b"bye").await.unwrap();
        });
        (StatusCode::SWITCHING_PROTOCOLS, [("connection", "upgrade"), ("upgrade", "other")])
    };
    let directory = TempDir::new().unwrap();
    for server in servers(&directory, Router::new().route("/", get(switch))).await {
        let mut client = client_of(&server).await;
        client
            .write_all(b"GET / HTTP/1.1\r\nhost: runner\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n")
            .await
            .unwrap();
        client.write_all(&vec![b'x'; UPLOAD]).await.expect("what it sends is taken");
        let text = rest(&mut client).await;
        assert!(text.starts_with("HTTP/1.1 101") && text.ends_with("bye"), "{text}");
    }
}

#[tokio::test]
async fn other_clients_are_served_while_one_still_sends_s43j() {
    let directory = TempDir::new().unwrap();
    for server in servers(&directory, early()).await {
        let mut sending = client_of(&server).await;
        sending.write_all(upload_to("/").as_bytes()).await.unwrap();
        begin_of_response(&mut sending).await;
        let mut other = client_of(&server).await;
        other.write_all(b"POST / HTTP/1.1\r\nhost: runner\r\n\r\n").await.unwrap();
        assert!(response(&mut other).await.starts_with("HTTP/1.1 200"));
        sending.write_all(b"more").await.unwrap();
    }
}

/// A server whose client has an early response and may send more of its body.
async fn with_early_response(directory: &TempDir) -> (Server, Box<dyn Client>) {
    let server = Server::start(listen_in(directory).await, early(), ReadTimeout::Unlimited);
    let mut client = client_of(&server).await;
    client.write_all(upload_to("/").as_bytes()).await.unwrap();
    response(&mut client).await;
    assert!(is_closed(&mut client).await);
    (server, client)
}

#[tokio::test(start_paused = true)]
async fn a_stop_cuts_off_a_client_that_still_sends_s43j_s42d() {
    let directory = TempDir::new().unwrap();
    let (server, _client) = with_early_response(&directory).await;
    let begin = Instant::now();
    server.drain(Duration::ZERO, async {}).await;
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_a_silent_client_for_two_seconds_s43j() {
    let directory = TempDir::new().unwrap();
    let (server, _client) = with_early_response(&directory).await;
    let begin = Instant::now();
    server.drain(Duration::ZERO, pending()).await;
    let waited = begin.elapsed();
    assert!(waited >= Duration::from_secs(1) && waited < Duration::from_secs(3), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_a_client_that_has_closed_or_has_sent_its_request_s43j() {
    let directory = TempDir::new().unwrap();
    let (server, client) = with_early_response(&directory).await;
    drop(client);
    let mut idle = client_of(&server).await;
    idle.write_all(b"POST / HTTP/1.1\r\nhost: runner\r\n\r\n").await.unwrap();
    response(&mut idle).await;
    let begin = Instant::now();
    server.drain(Duration::ZERO, pending()).await;
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
    assert!(is_closed(&mut idle).await);
}

#[tokio::test(start_paused = true)]
async fn a_host_sees_the_end_of_an_abandoned_request_at_once_s43j_s38b() {
    let (entered, mut is_entered) = mpsc::unbounded_channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = std::sync::Arc::new(std::sync::Mutex::new(released));
    let blocking = async move |Extension(hold): Extension<ConnectionHold>| {
        let call = tokio::task::spawn_blocking(move || {
            let _hold = hold;
            entered.send(()).unwrap();
            released.lock().unwrap().recv().unwrap();
        });
        call.await.unwrap();
    };
    let directory = TempDir::new().unwrap();
    let router = Router::new().route("/", post(blocking));
    let server = Server::start(listen_in(&directory).await, router, ReadTimeout::Unlimited);
    let mut client = client_of(&server).await;
    client.write_all(upload_to("/").as_bytes()).await.unwrap();
    is_entered.recv().await.unwrap();
    client.shutdown().await.unwrap();
    let begin = Instant::now();
    release.send(()).unwrap();
    rest(&mut client).await;
    // The socket is closed, too.
    while client.write_all(b"x").await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
}
