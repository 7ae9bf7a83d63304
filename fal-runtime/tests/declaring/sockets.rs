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

#[app(max_multiplexing = 2)]
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

    #[endpoint("/plain")]
    async fn plain(&self) -> u32 {
        let _ended = Ended(Arc::clone(&self.ended));
        std::future::pending().await
    }
}

/// Long enough for a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(60);

async fn ask(path: &str) -> (TcpStream, Arc<Notify>) {
    let ended = Arc::new(Notify::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = fal_runtime::router(Endless { ended: Arc::clone(&ended) });
    tokio::spawn(async move { axum::serve(listener, router).await });
    let mut client = TcpStream::connect(address).await.unwrap();
    let request = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n");
    client.write_all(request.as_bytes()).await.unwrap();
    (client, ended)
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
