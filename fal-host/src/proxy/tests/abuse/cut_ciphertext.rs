//! Connections with TLS that the client cuts: in the handshake, and at the bytes of its request and of the response.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use super::super::tls::Certificate;
use super::cuts::Cut;
use super::strict::Strict;
use super::{Rig, answer_with, assert_unharmed, losses};
use crate::proxy::tests::within;

/// The records of a request: its head reaches the runner before its body.
const REQUEST: [&[u8]; 2] =
    [b"POST /a HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n", b"5\r\nhello\r\n0\r\n\r\n"];

/// A response that does not end before its client leaves. A client that leaves one with a length may be noticed late (S43d).
const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n";
const CHUNK: &[u8] = b"2\r\nok\r\n";

/// A connection that fails after a number of bytes in each direction.
#[derive(Debug)]
struct ShortStream {
    stream: TcpStream,
    sends: usize,
    receives: usize,
    /// How many bytes could still be sent, and received, at the end of the handshake.
    left_secured: (usize, usize),
}

impl ShortStream {
    async fn connect(rig: &Rig, sends: usize, receives: usize) -> Self {
        let stream = within(TcpStream::connect(rig.address)).await.unwrap();
        Self { stream, sends, receives, left_secured: (0, 0) }
    }

    /// Sends the request through TLS, and reads what the runner has sent of the response.
    async fn exchange(&mut self, certificate: &Certificate) -> io::Result<Vec<u8>> {
        let mut tls = certificate.secure(self, &[b"http/1.1"]).await?;
        let (stream, _) = tls.get_mut();
        stream.left_secured = (stream.sends, stream.receives);
        for record in REQUEST {
            tls.write_all(record).await?;
            tls.flush().await?;
        }
        let mut answer = Vec::new();
        while !answer.ends_with(CHUNK) {
            if within(tls.read_buf(&mut answer)).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(answer)
    }

    async fn cut(mut self, cut: Cut) {
        match cut {
            Cut::Close => {}
            Cut::Reset => self.stream.set_zero_linger().unwrap(),
            Cut::HalfClose => {
                self.stream.shutdown().await.unwrap();
                // A reset is an end, too.
                let _ = within(self.stream.read_to_end(&mut Vec::new())).await;
            }
        }
    }
}

impl AsyncRead for ShortStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut part = [0; 4096];
        let length = self.receives.min(buf.remaining()).min(part.len());
        if length == 0 {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let mut read = ReadBuf::new(&mut part[..length]);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut read))?;
        self.receives -= read.filled().len();
        buf.put_slice(read.filled());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ShortStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let length = self.sends.min(bytes.len());
        if length == 0 {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, &bytes[..length]))?;
        self.sends -= written;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// By how many bytes the lengths of signatures differ.
const SIGNATURES_DIFFER: usize = 8;

/// More than an exchange takes.
const PLENTY: usize = 1 << 20;

/// How many bytes travel in one direction.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    handshake: usize,
    whole: usize,
}

impl Stretch {
    /// Where to cut it: a handshake takes milliseconds, so not at every byte. The first and the last ones that follow the handshake are
    /// the head and the end of a record.
    fn cuts(self) -> impl Iterator<Item = usize> {
        const EVERY_BYTE: usize = 48;
        let Self { handshake, whole } = self;
        let begins = handshake..handshake + EVERY_BYTE;
        let middle = (begins.end..whole - EVERY_BYTE).step_by(16);
        (0..handshake).step_by(16).chain(begins).chain(middle).chain(whole - EVERY_BYTE..whole)
    }
}

/// Lets a whole exchange pass, and returns what the client has sent and received.
async fn whole_exchange(rig: &Rig, certificate: &Certificate) -> [Stretch; 2] {
    let mut stream = ShortStream::connect(rig, PLENTY, PLENTY).await;
    let answer = stream.exchange(certificate).await.unwrap();
    let answer = Strict::response(&answer).unwrap();
    assert_eq!((answer.status(), answer.body.as_slice()), (200, CHUNK), "a request is served");
    let (sends, receives) = stream.left_secured;
    [(sends, stream.sends), (receives, stream.receives)]
        .map(|(secured, left)| Stretch { handshake: PLENTY - secured, whole: PLENTY - left })
}

#[tokio::test]
async fn a_client_that_cuts_what_it_sends_through_tls_anywhere_takes_no_permit_along_s50a_s38b_s43d() {
    let certificate = Certificate::new();
    let mut rig = Rig::with(certificate.limits()).await;
    let runner = rig.runner();
    let id = runner.id;
    let (requests, mut received) = mpsc::unbounded_channel();
    let serving = tokio::spawn(answer_with(runner, RESPONSE.to_vec(), requests));
    let [sent, _] = whole_exchange(&rig, &certificate).await;
    received.recv().await.unwrap();
    for (length, cut) in sent.cuts().zip(Cut::ALL.into_iter().cycle()) {
        let mut stream = ShortStream::connect(&rig, length, PLENTY).await;
        stream.exchange(&certificate).await.unwrap_err();
        stream.cut(cut).await;
    }
    assert_unharmed(&mut rig, id).await;
    assert!(received.try_recv().is_err(), "no part of a request is read as a whole one");
    assert_eq!(losses(&rig, id), 0, "it is not the runner that has left");
    whole_exchange(&rig, &certificate).await;
    serving.abort();
}

#[tokio::test]
async fn a_client_that_leaves_anywhere_in_what_it_gets_through_tls_takes_no_permit_along_s50a_s43d() {
    let certificate = Certificate::new();
    let mut rig = Rig::with(certificate.limits()).await;
    let runner = rig.runner();
    let id = runner.id;
    let (requests, _received) = mpsc::unbounded_channel();
    let serving = tokio::spawn(answer_with(runner, RESPONSE.to_vec(), requests));
    let [_, received] = whole_exchange(&rig, &certificate).await;
    for (length, cut) in received.cuts().zip([Cut::Close, Cut::Reset].into_iter().cycle()) {
        let mut stream = ShortStream::connect(&rig, PLENTY, length).await;
        // A signature has some bytes more than another one, so this may be the end.
        let is_cut = stream.exchange(&certificate).await.is_err();
        assert!(is_cut || length + SIGNATURES_DIFFER > received.whole);
        stream.cut(cut).await;
    }
    assert_unharmed(&mut rig, id).await;
    assert_eq!(losses(&rig, id), 0, "it is not the runner that has left");
    whole_exchange(&rig, &certificate).await;
    serving.abort();
}
