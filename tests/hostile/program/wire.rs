//! Minimal HTTP, so that the program can also send malformed messages.

use std::io;
use std::path::Path;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixSocket, UnixStream};

/// Listens at `path`, in place of an earlier listener, without a moment in between.
pub(crate) fn bind(path: &Path) -> io::Result<UnixListener> {
    bind_for(path, 128)
}

/// The same, where at most so many connections may wait.
pub(crate) fn bind_for(path: &Path, waiting: u32) -> io::Result<UnixListener> {
    let beside = path.with_extension("new");
    let socket = UnixSocket::new_stream()?;
    socket.bind(&beside)?;
    let listener = socket.listen(waiting)?;
    std::fs::rename(beside, path)?;
    Ok(listener)
}

/// A request whose body has not been read.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) path: String,
    length: usize,
}

/// The next request; none at the end of the connection.
pub(crate) async fn request(stream: &mut UnixStream) -> io::Result<Option<Request>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    let head = String::from_utf8_lossy(&head).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    Ok(Some(Request { path, length: length.unwrap_or(0) }))
}

impl Request {
    pub(crate) async fn read_body(&self, stream: &mut UnixStream) -> io::Result<()> {
        stream.read_exact(&mut vec![0; self.length]).await.map(drop)
    }
}

/// Sends a complete response. `headers` are whole lines.
pub(crate) async fn respond(
    stream: &mut UnixStream,
    status: &str,
    headers: &str,
    body: &str,
) -> io::Result<()> {
    let length = body.len();
    let response = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{headers}\r\n{body}");
    stream.write_all(response.as_bytes()).await
}

/// Sends `begin`, and then `again` until the other side closes.
pub(crate) async fn without_end(stream: &mut UnixStream, begin: &str, again: &str) -> io::Result<()> {
    stream.write_all(begin.as_bytes()).await?;
    let again = again.repeat(100);
    loop {
        stream.write_all(again.as_bytes()).await?;
        tokio::task::yield_now().await;
    }
}

/// Sends `text`, and ends the connection while the other side is still sending: the kernel resets it.
pub(crate) async fn reset(mut stream: UnixStream, text: &str) -> io::Result<()> {
    stream.readable().await?;
    stream.write_all(text.as_bytes()).await
}
