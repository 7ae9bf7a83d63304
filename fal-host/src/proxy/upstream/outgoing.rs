//! A request on its way to a runner: its encoded head, and its body as it arrives from the client.

use std::io::Write;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf, Bytes};
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRAILER, TRANSFER_ENCODING};
use http::{Method, Request};
use http_body::Frame;
use tokio::io::AsyncWrite;

use super::error::UpstreamError;
use crate::connect::Stream;
use crate::proxy::client::Client;
use crate::proxy::hop_by_hop::listed;
use crate::proxy::request_body::RequestBody;
use crate::proxy::request_id::{self, RequestIdField};

/// The fields that the host adds to a request. They are written, and never put into its headers: that would hash each.
#[derive(Clone, Copy, Debug)]
pub(in crate::proxy) struct AddedFields<'a> {
    /// Replaces the ids in the headers.
    pub(in crate::proxy) id: &'a RequestIdField,
    /// Encoded fields.
    pub(in crate::proxy) sender: &'a str,
}

/// Parts of a body up to this size are copied behind what comes before them, so that one write sends both.
const MAX_COPIED: usize = 16 * 1024;

/// Chunks that are smaller than this, in bytes, are written together with those that have arrived after them.
const SMALL_CHUNK: usize = 1024;

/// A request that is being written.
///
/// As long as nothing of it was written, it can be moved to another connection as it is (S39b).
#[derive(Debug, Default)]
pub(in crate::proxy) struct Outgoing {
    /// Encoded bytes, of which the first `position` ones are written.
    buffer: Vec<u8>,
    position: usize,
    /// A large part of the body, which follows the buffer.
    part: Bytes,
    /// Whether the line break that ends a chunk follows the part.
    ends_chunk: bool,
    body: RequestBody,
    state: State,
    is_chunked: bool,
    /// The trailers that the head announces. Others are not sent.
    announced: Vec<HeaderName>,
    is_head: bool,
    written: WrittenPart,
    deferral: Deferral,
}

/// What of a request has been written.
#[derive(Clone, Copy, Debug, Default)]
struct WrittenPart {
    bytes: u64,
    /// Whether something was written, and the rest cannot be.
    is_broken: bool,
}

/// Whether the first write of a request is deferred ([`writer`](crate::proxy::writer)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Deferral {
    #[default]
    No,
    /// It is deferred if one write sends the whole request.
    Possible,
    Yes,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// More of the body follows.
    Body,
    /// More of the body follows, and is asked for once more before the small chunks so far are written.
    Collecting,
    /// Everything is encoded.
    #[default]
    Encoded,
}

impl Outgoing {
    /// Encodes the head of a request, and takes its body.
    pub(super) fn encode(&mut self, request: &mut Request<RequestBody>, added: AddedFields<'_>) {
        self.body = std::mem::take(request.body_mut());
        self.state = if self.body.is_ended() { State::Encoded } else { State::Body };
        self.is_head = *request.method() == Method::HEAD;
        self.written = WrittenPart::default();
        self.deferral = Deferral::No;
        self.announced.clear();
        self.position = 0;
        self.buffer.clear();
        self.buffer.extend_from_slice(request.method().as_str().as_bytes());
        self.buffer.push(b' ');
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        self.buffer.extend_from_slice(target.as_bytes());
        self.buffer.extend_from_slice(b" HTTP/1.1\r\n");
        let mut declared = None;
        for (name, value) in request.headers() {
            match *name {
                CONTENT_LENGTH => declared = Some(value),
                TRANSFER_ENCODING => {}
                _ if *name == request_id::NAME => {}
                _ => {
                    if *name == TRAILER {
                        let names = listed(value).filter_map(|name| HeaderName::from_bytes(name).ok());
                        self.announced.extend(names);
                    }
                    self.append_field(name, value.as_bytes());
                }
            }
        }
        self.append_field(&request_id::NAME, added.id.as_bytes());
        self.buffer.extend_from_slice(added.sender.as_bytes());
        let ends_in_trailers = declared.is_none() && !self.announced.is_empty() && !self.body.is_ended();
        let length = self.body.length().filter(|_| !ends_in_trailers);
        self.is_chunked = length.is_none();
        match length {
            None => self.buffer.extend_from_slice(b"transfer-encoding: chunked\r\n"),
            Some(0) if declared.is_none() => {}
            Some(length) => match declared.filter(|value| is_number(value, length)) {
                Some(declared) => self.append_field(&CONTENT_LENGTH, declared.as_bytes()),
                None => self.append_field(&CONTENT_LENGTH, length.to_string().as_bytes()),
            },
        }
        self.buffer.extend_from_slice(b"\r\n");
    }

    pub(super) fn take_body(&mut self) -> RequestBody {
        std::mem::take(&mut self.body)
    }

    /// Whether the method of the request is HEAD.
    pub(super) const fn is_head(&self) -> bool {
        self.is_head
    }

    /// Whether anything of the request has reached the runner.
    pub(super) const fn has_begun(&self) -> bool {
        self.written.bytes > 0
    }

    /// Whether the rest of the request cannot be written.
    pub(super) const fn is_broken(&self) -> bool {
        self.written.is_broken
    }

    /// How many bytes of the request have been written.
    pub(super) const fn written(&self) -> u64 {
        self.written.bytes
    }

    /// Whether nothing of the request is left to write.
    pub(super) fn is_complete(&self) -> bool {
        self.state == State::Encoded && self.is_flushed()
    }

    /// Writes what the client has sent, and what the runner takes of it. Ready when the whole request was written.
    ///
    /// Before anything was written, an error means that the request can be moved. After that a failed write is no error: the
    /// rest of the request is dropped, because a response that has arrived counts more (S43f).
    pub(super) fn poll_write(
        &mut self,
        stream: &mut Stream,
        client: &Client,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), UpstreamError>> {
        loop {
            // The head and the parts of the body that are there are written together.
            if self.state == State::Encoded || self.is_full() {
                if self.deferral == Deferral::Possible && self.is_one_write() {
                    self.deferral = Deferral::Yes;
                    return Poll::Pending;
                }
                ready!(self.poll_flush(stream, cx))?;
            }
            if self.state == State::Encoded {
                return Poll::Ready(Ok(()));
            }
            match self.body.poll_frame(client, cx) {
                Poll::Ready(Some(Ok(frame))) => self.append(frame),
                Poll::Ready(Some(Err(error))) => {
                    self.give_up();
                    return Poll::Ready(Err(UpstreamError::RequestBody(error)));
                }
                Poll::Ready(None) => self.append_end(&HeaderMap::new()),
                Poll::Pending if self.state == State::Collecting => {
                    self.state = State::Body;
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Poll::Pending => {
                    ready!(self.poll_flush(stream, cx))?;
                    return Poll::Pending;
                }
            }
        }
    }

    /// Lets the first write be deferred, if nothing follows it.
    pub(super) const fn allow_deferral(&mut self) {
        self.deferral = Deferral::Possible;
    }

    /// Whether the write is deferred: [`write_deferred`](Self::write_deferred) or the next poll performs it.
    pub(super) fn is_deferred(&self) -> bool {
        self.deferral == Deferral::Yes
    }

    /// The write is not deferred any longer.
    pub(super) const fn end_deferral(&mut self) {
        self.deferral = Deferral::No;
    }

    /// Writes as much as the socket takes. Returns whether that is everything.
    pub(super) fn write_deferred(&mut self, stream: &mut Stream) -> bool {
        self.end_deferral();
        let written = self.poll_flush(stream, &mut Context::from_waker(Waker::noop()));
        matches!(written, Poll::Ready(Ok(()))) && !self.is_broken()
    }

    /// Whether everything is encoded and one write sends it.
    fn is_one_write(&self) -> bool {
        self.state == State::Encoded && !self.has_begun() && self.part.is_empty() && !self.ends_chunk
    }

    /// Gives up the rest of the request.
    fn give_up(&mut self) {
        self.state = State::Encoded;
        self.written.is_broken = self.has_begun();
        self.drop_encoded();
    }

    /// Drops memory that a usual request does not need.
    pub(super) fn shrink(&mut self) {
        self.buffer.clear();
        self.position = 0;
        self.buffer.shrink_to(MAX_COPIED);
    }

    fn append(&mut self, frame: Frame<Bytes>) {
        match frame.into_data() {
            Ok(data) => {
                if !data.is_empty() {
                    self.append_data(data);
                }
                if !self.is_chunked && self.body.is_ended() {
                    self.state = State::Encoded;
                }
            }
            Err(frame) => self.append_end(&frame.into_trailers().unwrap_or_default()),
        }
    }

    fn append_data(&mut self, data: Bytes) {
        self.state =
            if self.is_chunked && data.len() < SMALL_CHUNK { State::Collecting } else { State::Body };
        if self.is_chunked {
            // Writing to memory cannot fail.
            let _ = write!(self.buffer, "{:x}\r\n", data.len());
        }
        if data.len() > MAX_COPIED {
            self.part = data;
            self.ends_chunk = self.is_chunked;
        } else {
            self.buffer.extend_from_slice(&data);
            if self.is_chunked {
                self.buffer.extend_from_slice(b"\r\n");
            }
        }
    }

    fn append_end(&mut self, trailers: &HeaderMap) {
        self.state = State::Encoded;
        if self.is_chunked {
            self.buffer.extend_from_slice(b"0\r\n");
            let announced = std::mem::take(&mut self.announced);
            for (name, value) in trailers.iter().filter(|(name, _)| announced.contains(name)) {
                self.append_field(name, value.as_bytes());
            }
            self.buffer.extend_from_slice(b"\r\n");
        }
    }

    fn append_field(&mut self, name: &HeaderName, value: &[u8]) {
        self.buffer.extend_from_slice(name.as_str().as_bytes());
        self.buffer.extend_from_slice(b": ");
        self.buffer.extend_from_slice(value);
        self.buffer.extend_from_slice(b"\r\n");
    }

    /// Whether what is encoded has to be written before more is.
    fn is_full(&self) -> bool {
        !self.part.is_empty() || self.ends_chunk || self.buffer.len() > MAX_COPIED
    }

    fn is_flushed(&self) -> bool {
        self.position == self.buffer.len() && self.part.is_empty() && !self.ends_chunk
    }

    /// Writes everything that is encoded.
    fn poll_flush(&mut self, stream: &mut Stream, cx: &mut Context<'_>) -> Poll<Result<(), UpstreamError>> {
        if self.is_broken() {
            self.drop_encoded();
        }
        while !self.is_flushed() {
            let encoded = self.buffer.get(self.position..).unwrap_or_default();
            let bytes = if encoded.is_empty() { &self.part } else { encoded };
            if bytes.is_empty() {
                self.buffer.clear();
                self.position = 0;
                self.buffer.extend_from_slice(b"\r\n");
                self.ends_chunk = false;
                continue;
            }
            let length = match ready!(Pin::new(&mut *stream).poll_write(cx, bytes)) {
                Ok(length) => length,
                Err(error) if !self.has_begun() => return Poll::Ready(Err(UpstreamError::Failed(error))),
                Err(_) => {
                    self.written.is_broken = true;
                    self.drop_encoded();
                    break;
                }
            };
            let bytes = &mut self.written.bytes;
            *bytes = bytes.saturating_add(length.try_into().unwrap_or(u64::MAX));
            if encoded.is_empty() {
                self.part.advance(length);
            } else {
                self.position += length;
            }
        }
        self.buffer.clear();
        self.position = 0;
        Poll::Ready(Ok(()))
    }

    fn drop_encoded(&mut self) {
        self.buffer.clear();
        self.position = 0;
        self.part = Bytes::new();
        self.ends_chunk = false;
    }
}

/// Whether a value is this number.
fn is_number(value: &HeaderValue, number: u64) -> bool {
    let text = std::str::from_utf8(value.as_bytes());
    text.is_ok_and(|text| text.parse() == Ok(number))
}
