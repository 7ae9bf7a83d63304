//! A client that speaks HTTP/2 frame by frame.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::proxy::protocol::PREFACE;
use crate::proxy::tests::{Rig, within};

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;

pub(super) const END_STREAM: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;

/// A frame that the host has sent.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) kind: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct FramePeer {
    pub(super) stream: TcpStream,
}

impl FramePeer {
    /// A client that has sent its preface and empty settings.
    pub(super) async fn connect(rig: &Rig) -> Self {
        let stream = within(TcpStream::connect(rig.address)).await.unwrap();
        let mut peer = Self { stream };
        assert!(peer.send(PREFACE).await);
        assert!(peer.send(&frame(SETTINGS, 0, 0, &[])).await);
        peer
    }

    /// Sends bytes. Returns whether the connection takes them.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> bool {
        within(self.stream.write_all(bytes)).await.is_ok()
    }

    /// The next frame, or nothing at the end of the connection.
    pub(super) async fn receive(&mut self) -> Option<Received> {
        within(self.receive_at_last()).await
    }

    /// As [`receive`](Self::receive), however long it takes: where time is paused, patience is no time.
    pub(super) async fn receive_at_last(&mut self) -> Option<Received> {
        let mut head = [0; 9];
        self.stream.read_exact(&mut head).await.ok()?;
        let [a, b, c, kind, _, stream @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        self.stream.read_exact(&mut payload).await.ok()?;
        Some(Received { kind, stream: u32::from_be_bytes(stream), payload })
    }

    /// The next frame of a kind, or nothing if the connection ends before that.
    pub(super) async fn receive_kind(&mut self, kind: u8) -> Option<Received> {
        loop {
            let received = self.receive().await?;
            if received.kind == kind {
                return Some(received);
            }
        }
    }

    /// Sends the same bytes until the host ends the connection. Returns whether it has: `most` times are too often.
    pub(super) async fn flood(&mut self, bytes: &[u8], most: usize) -> bool {
        let (mut read, mut write) = self.stream.split();
        let reading = async {
            let mut unwanted = vec![0; 64 * 1024];
            while read.read(&mut unwanted).await.is_ok_and(|length| length > 0) {}
        };
        let writing = async {
            for _ in 0..most {
                if write.write_all(bytes).await.is_err() {
                    return true;
                }
            }
            false
        };
        within(async {
            tokio::select! {
                biased;
                () = reading => true,
                is_ended = writing => is_ended,
            }
        })
        .await
    }
}

pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = length[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// A field as HPACK has it without a table and without compression (RFC 7541, 6.2.2).
pub(super) fn field(name: &str, value: &str) -> Vec<u8> {
    let mut bytes = vec![0];
    for text in [name, value] {
        bytes.extend(integer(text.len()));
        bytes.extend(text.as_bytes());
    }
    bytes
}

/// An integer with a prefix of seven bits (RFC 7541, 5.1).
fn integer(value: usize) -> Vec<u8> {
    let Some(mut rest) = value.checked_sub(127) else { return vec![u8::try_from(value).unwrap()] };
    let mut bytes = vec![127];
    while rest >= 128 {
        bytes.push(u8::try_from(rest % 128 + 128).unwrap());
        rest /= 128;
    }
    bytes.push(u8::try_from(rest).unwrap());
    bytes
}

/// The fields of `GET /`.
pub(super) fn get_fields() -> Vec<u8> {
    [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a")]
        .iter()
        .flat_map(|(name, value)| field(name, value))
        .collect()
}

/// A request for `/` without a body.
pub(super) fn get(stream: u32) -> Vec<u8> {
    frame(HEADERS, END_STREAM | END_HEADERS, stream, &get_fields())
}

/// The end of a stream by its client.
pub(super) fn reset(stream: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())
}
