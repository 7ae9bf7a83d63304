//! A client or a runner that speaks HTTP/1.1 byte by byte.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

use super::{settle, within};
use crate::proxy::send_queue::unsent;

/// One end of a connection that speaks HTTP/1.1 byte by byte, as a client or as a runner.
#[derive(Debug)]
pub(super) struct Peer<S> {
    stream: S,
    buffer: Vec<u8>,
}

/// A request or a response.
#[derive(Debug)]
pub(super) struct Message {
    /// The request line or the status line.
    pub(super) start: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Message {
    fn parse(head: &str) -> Self {
        let mut lines = head.lines();
        let start = lines.next().unwrap().to_owned();
        let headers = lines
            .map(|line| line.split_once(':').unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        Self { start, headers, body: String::new() }
    }

    /// Every value of a header, in order.
    pub(super) fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(n, _)| n == name).map(|(_, value)| value.as_str()).collect()
    }

    /// The one value of a header that is there at most once.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let values = self.all(name);
        assert!(values.len() <= 1, "{name} is there once: {self:?}");
        values.first().copied()
    }

    pub(super) fn status(&self) -> u16 {
        self.start.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// The type of an error that is the host's own.
    pub(super) fn error_type(&self) -> String {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        body["error_type"].as_str().unwrap().to_owned()
    }
}

impl Peer<TcpStream> {
    /// Closes the connection at once.
    pub(super) fn reset(self) {
        self.reset_when_dropped();
    }

    /// Whether everything that was sent has arrived at the other end's system, and the end with it.
    pub(super) fn has_delivered(&self) -> bool {
        unsent(&self.stream) == 0
    }

    /// Sends pieces of this length until the host cannot pass them on to the runner, which does not read. Returns how many bytes.
    pub(super) async fn send_until_blocked(&mut self, runner: &Peer<UnixStream>, length: usize) -> usize {
        self.stream.set_nodelay(true).unwrap();
        let (piece, mut sent, mut held) = ("x".repeat(length), 0, 0);
        while held < 3 {
            let before = runner.unread();
            self.send(&piece).await;
            sent += length;
            settle().await;
            held = if runner.unread() == before { held + 1 } else { 0 };
        }
        sent
    }

    /// Lets the drop close the connection at once, whatever has not been sent yet.
    pub(super) fn reset_when_dropped(&self) {
        self.stream.set_zero_linger().unwrap();
    }
}

impl Peer<UnixStream> {
    /// How many bytes have arrived and were not read.
    pub(super) fn unread(&self) -> u64 {
        rustix::io::ioctl_fionread(&self.stream).unwrap()
    }

    /// Lets every write of the other end fail.
    pub(super) fn refuse_writes(&self) {
        rustix::net::shutdown(&self.stream, rustix::net::Shutdown::Read).unwrap();
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    pub(super) const fn new(stream: S) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    pub(super) async fn send(&mut self, text: &str) {
        self.try_send(text).await.unwrap();
    }

    pub(super) async fn try_send(&mut self, text: &str) -> io::Result<()> {
        within(self.stream.write_all(text.as_bytes())).await
    }

    /// As [`try_send`](Self::try_send), of any bytes.
    pub(super) async fn try_send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        within(self.stream.write_all(bytes)).await
    }

    /// As [`try_send`](Self::try_send), however long it takes: where time is paused, patience is no time.
    pub(super) async fn send_at_last(&mut self, text: &str) -> io::Result<()> {
        self.stream.write_all(text.as_bytes()).await
    }

    /// Sends a request without a body.
    pub(super) async fn get(&mut self, path: &str) {
        self.send(&format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n")).await;
    }

    /// Answers 200 with a body.
    pub(super) async fn answer(&mut self, body: &str) {
        self.answer_with("", body).await;
    }

    /// Answers 200 with some header lines and a body.
    pub(super) async fn answer_with(&mut self, headers: &str, body: &str) {
        let length = body.len();
        self.send(&format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n{headers}\r\n{body}")).await;
    }

    /// The next message as it is on the wire, if there is a whole one. It does not have to be text.
    pub(super) async fn raw_message(&mut self) -> Option<Vec<u8>> {
        let head = loop {
            match find(&self.buffer, b"\r\n\r\n") {
                Some(at) => break at + 4,
                None if self.read().await => {}
                None => return None,
            }
        };
        let text = String::from_utf8_lossy(&self.buffer[..head]).into_owned();
        let message = Message::parse(text.trim_end());
        let length = loop {
            let body = &self.buffer[head..];
            let ends = if message.header("transfer-encoding").is_some() {
                let starts_with_last = body.starts_with(b"0\r\n").then_some(0);
                let last = find(body, b"\r\n0\r\n").map(|at| at + 2).or(starts_with_last);
                last.and_then(|last| Some(last + find(&body[last..], b"\r\n\r\n")? + 4))
            } else {
                let length = message.header("content-length").map_or(0, |length| length.parse().unwrap());
                (body.len() >= length).then_some(length)
            };
            match ends {
                Some(length) => break head + length,
                None if self.read().await => {}
                None => return None,
            }
        };
        Some(self.buffer.drain(..length).collect())
    }

    /// Reads this many bytes, and leaves the others in the socket.
    pub(super) async fn read_only(&mut self, length: usize) {
        within(self.stream.read_exact(&mut vec![0; length])).await.unwrap();
    }

    /// Everything until the other end closes its side.
    pub(super) async fn rest(&mut self) -> Vec<u8> {
        self.closed().await;
        std::mem::take(&mut self.buffer)
    }

    /// The next message's head, and none of its body.
    pub(super) async fn head(&mut self) -> Message {
        let end = loop {
            if let Some(at) = find(&self.buffer, b"\r\n\r\n") {
                break at;
            }
            assert!(self.read().await, "the head of a message: {:?}", String::from_utf8_lossy(&self.buffer));
        };
        let head = self.take(end + 4);
        Message::parse(head.trim_end())
    }

    /// The next message.
    pub(super) async fn message(&mut self) -> Message {
        let mut message = self.head().await;
        if message.header("transfer-encoding").is_some() {
            while let Some(chunk) = self.chunk().await {
                message.body.push_str(&chunk);
            }
        } else if let Some(length) = message.header("content-length") {
            message.body = self.exactly(length.parse().unwrap()).await;
        }
        message
    }

    /// The next chunk of a body; nothing for the last, whose trailers come next.
    pub(super) async fn chunk(&mut self) -> Option<String> {
        let size = usize::from_str_radix(&self.line().await, 16).unwrap();
        if size == 0 {
            while !self.line().await.is_empty() {}
            return None;
        }
        let chunk = self.exactly(size).await;
        assert_eq!(self.line().await, "");
        Some(chunk)
    }

    pub(super) async fn line(&mut self) -> String {
        loop {
            if let Some(at) = find(&self.buffer, b"\r\n") {
                return self.take(at + 2).trim_end().to_owned();
            }
            assert!(self.read().await, "a line");
        }
    }

    pub(super) async fn exactly(&mut self, length: usize) -> String {
        while self.buffer.len() < length {
            assert!(self.read().await, "{length} bytes");
        }
        self.take(length)
    }

    /// Closes this side, and still reads.
    pub(super) async fn close_side(&mut self) {
        within(self.stream.shutdown()).await.unwrap();
    }

    /// Waits until the other end has closed its side. What it sends before that is skipped.
    pub(super) async fn closed(&mut self) {
        while self.read().await {}
    }

    /// As [`closed`](Self::closed), however long it takes: where time is paused, patience is no time.
    pub(super) async fn closed_at_last(&mut self) {
        while self.stream.read_buf(&mut self.buffer).await.is_ok_and(|read| read > 0) {}
    }

    async fn read(&mut self) -> bool {
        // A reset connection is a closed one.
        within(self.stream.read_buf(&mut self.buffer)).await.is_ok_and(|read| read > 0)
    }

    fn take(&mut self, length: usize) -> String {
        String::from_utf8(self.buffer.drain(..length).collect()).unwrap()
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
