//! What needs a real connection.

use std::sync::Arc;
use std::time::Duration;

use fal_runtime::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::timeout;

struct Endless {
    ended: Arc<Notify>,
}

struct Ended(Arc<Notify>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[app(max_multiplexing = 2, body_limit = 1_000)]
impl Endless {
    fn setup() -> Result<Self> {
        Err(Error::msg("made by hand"))
    }

    #[endpoint("/stream")]
    async fn stream(&self, events: &mut Events<u32>) -> Result<()> {
        let _ended = Ended(Arc::clone(&self.ended));
        events.send(1).await?;
        std::future::pending().await
    }

    #[endpoint("/takes")]
    async fn takes(&self, text: String) -> usize {
        text.len()
    }

    #[endpoint("/plain")]
    async fn plain(&self) -> u32 {
        let _ended = Ended(Arc::clone(&self.ended));
        std::future::pending().await
    }
}

/// Long enough for a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(60);

async fn ask(path: &str) -> (TcpStream, Arc<Notify>) {
    let (mut client, ended) = connect().await;
    let request = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n");
    client.write_all(request.as_bytes()).await.unwrap();
    (client, ended)
}

async fn connect() -> (TcpStream, Arc<Notify>) {
    let ended = Arc::new(Notify::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = fal_runtime::router(Endless { ended: Arc::clone(&ended) });
    tokio::spawn(async move { axum::serve(listener, router).await });
    (TcpStream::connect(address).await.unwrap(), ended)
}

#[tokio::test]
async fn an_event_reaches_its_client_while_the_call_goes_on_and_ends_with_the_connection() {
    let (mut client, ended) = ask("/stream").await;
    let mut read = String::new();
    while !read.ends_with("data: 1\n\n\r\n") {
        let mut piece = [0; 1024];
        let length = timeout(PATIENCE, client.read(&mut piece)).await.unwrap().unwrap();
        assert_ne!(length, 0, "{read}");
        read.push_str(str::from_utf8(&piece[..length]).unwrap());
    }
    assert!(read.starts_with("HTTP/1.1 200 OK\r\n"), "{read}");
    drop(client);
    timeout(PATIENCE, ended.notified()).await.unwrap();
}

#[tokio::test]
async fn a_client_that_leaves_cancels_an_async_endpoint() {
    let (client, ended) = ask("/plain").await;
    drop(client);
    timeout(PATIENCE, ended.notified()).await.unwrap();
}

#[tokio::test]
async fn a_client_that_sends_all_of_a_body_that_is_not_taken_before_it_reads_reads_why() {
    /// More than the system keeps for either side.
    const LENGTH: usize = 32 << 20;
    for (kind, status) in [("application/json", "413"), ("text/plain", "415")] {
        let (mut client, _) = connect().await;
        let head = format!(
            "POST /takes HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: {kind}\r\ncontent-length: {LENGTH}\r\n\r\n"
        );
        client.write_all(head.as_bytes()).await.unwrap();
        client.write_all(&vec![b' '; LENGTH]).await.unwrap();
        let mut read = String::new();
        timeout(PATIENCE, client.read_to_string(&mut read)).await.unwrap().unwrap();
        assert!(read.starts_with(&format!("HTTP/1.1 {status} ")), "{read}");
    }
}

#[tokio::test]
async fn a_client_that_waits_to_be_asked_for_its_body_is_told_at_once_that_it_is_too_large() {
    let (mut client, _) = connect().await;
    let head = "POST /takes HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-type: application/json\r\n\
                content-length: 1001\r\n\r\n";
    client.write_all(head.as_bytes()).await.unwrap();
    let mut read = [0; 12];
    timeout(PATIENCE, client.read_exact(&mut read)).await.unwrap().unwrap();
    assert_eq!(&read, b"HTTP/1.1 413");
}
