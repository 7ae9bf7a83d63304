//! One client connection: its socket, its time limits, and the state of its current request.

use std::pin::Pin;
#[cfg(feature = "http2")]
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use http::Version;
use tokio::net::TcpStream;

use super::client_limits::ClientLimits;
use super::contention::Transfers;
use super::cut_off::CutOff;
use super::deferred_response::DeferredResponse;
use super::forwarded::Sender;
use super::head_copy::HeadCopy;
use super::interim::InterimResponses;
use super::relay::Relay;
use super::thread::Thread;
use super::timer::{ConnectionTimer, TickClock, Wait};
use crate::request_info::{AwaitedTransfer, ClientWait};

/// What carries the requests of a client.
#[derive(Debug)]
enum Transport {
    Socket(TcpStream),
    /// A connection of HTTP/2, of which the client is one stream.
    #[cfg(feature = "http2")]
    Connection(Arc<Client>),
}

/// A client connection, or one stream of it in HTTP/2. It is shared by everything that works for it. One thread does all of
/// that.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) thread: Thread,
    pub(super) sender: Sender,
    pub(super) timer: ConnectionTimer,
    pub(super) limits: ClientLimits,
    pub(super) transfers: Transfers,
    transport: Transport,
    in_request: AtomicBool,
    /// The tick at which the client connected, or its last request ended.
    idle_since: AtomicU64,
    /// Whether a request has arrived of whose response hyper has not given everything.
    owed: AtomicBool,
    uploaded: AtomicBool,
    pub(super) head: HeadCopy,
    /// Whether a response has said that it closes the connection.
    announced_close: AtomicBool,
    pub(super) cut_off: CutOff,
    awaits_continue: AtomicBool,
    /// Whether everything that hyper has written was sent, or is deferred.
    write_ended: AtomicBool,
    /// Whether the response is sent to the client in chunks, so that its gaps can be probed.
    in_chunks: AtomicBool,
    has_probe: AtomicBool,
    /// Whether the response had no further part to read since hyper's connection was polled.
    lacks_part: AtomicBool,
    /// Whether its task has been told that the connection must end.
    told_to_stop: AtomicBool,
    pub(super) interim: InterimResponses,
    pub(super) relay: Relay,
    pub(super) deferred: DeferredResponse,
}

impl Client {
    pub(super) fn new(
        stream: TcpStream,
        thread: Thread,
        sender: Sender,
        clock: TickClock,
        limits: ClientLimits,
    ) -> Self {
        let timer = ConnectionTimer::new(clock);
        timer.start(Wait::Head, limits.head);
        Self::carried_by(Transport::Socket(stream), thread, sender, timer, limits)
    }

    /// One stream of a connection of HTTP/2.
    #[cfg(feature = "http2")]
    pub(super) fn of_stream(connection: &Arc<Self>) -> Self {
        let timer = ConnectionTimer::new(connection.timer.clock().clone());
        let transport = Transport::Connection(Arc::clone(connection));
        Self::carried_by(
            transport,
            connection.thread.clone(),
            connection.sender.clone(),
            timer,
            connection.limits,
        )
    }

    fn carried_by(
        transport: Transport,
        thread: Thread,
        sender: Sender,
        timer: ConnectionTimer,
        limits: ClientLimits,
    ) -> Self {
        let now = timer.clock().now();
        Self {
            thread,
            sender,
            timer,
            limits,
            transfers: Transfers::default(),
            transport,
            in_request: AtomicBool::new(false),
            idle_since: AtomicU64::new(now),
            owed: AtomicBool::new(false),
            uploaded: AtomicBool::new(true),
            head: HeadCopy::default(),
            announced_close: AtomicBool::new(false),
            cut_off: CutOff::default(),
            awaits_continue: AtomicBool::new(false),
            write_ended: AtomicBool::new(true),
            in_chunks: AtomicBool::new(false),
            has_probe: AtomicBool::new(false),
            lacks_part: AtomicBool::new(false),
            told_to_stop: AtomicBool::new(false),
            interim: InterimResponses::default(),
            relay: Relay::default(),
            deferred: DeferredResponse::default(),
        }
    }

    /// The head of a request is awaited from now on.
    pub(super) fn await_head(&self) {
        self.timer.start(Wait::Head, self.limits.head);
        self.timer.start(Wait::Rest, self.limits.rest);
    }

    /// A request's head has arrived. `uploaded` is whether its body has, too: an empty one.
    pub(super) fn begin_request(&self, version: Version, uploaded: bool) {
        self.timer.stop(Wait::Head);
        self.timer.stop(Wait::Rest);
        self.timer.stop(Wait::Departure);
        self.interim.begin(version);
        self.in_chunks.store(false, Ordering::Relaxed);
        self.has_probe.store(false, Ordering::Relaxed);
        self.in_request.store(true, Ordering::Relaxed);
        self.owed.store(true, Ordering::Relaxed);
        self.uploaded.store(uploaded, Ordering::Relaxed);
        self.stop_awaiting_continue();
    }

    /// The response that begins has no length. A client of HTTP/1.1 gets it in chunks.
    pub(super) fn expect_chunks(&self) {
        self.in_chunks.store(self.interim.are_possible(), Ordering::Relaxed);
    }

    /// The connection has become a tunnel, which lasts as long as its request: until [`end_request`](Self::end_request).
    pub(super) fn begin_tunnel(&self) {
        self.transfers.hold_permit();
        self.in_request.store(true, Ordering::Relaxed);
        // No further request can follow.
        self.announce_close();
    }

    /// The connection has streams, until [`end_request`](Self::end_request).
    #[cfg(feature = "http2")]
    pub(super) fn begin_streams(&self) {
        self.timer.stop(Wait::Head);
        self.in_request.store(true, Ordering::Relaxed);
    }

    /// Whether this is one stream of a connection of HTTP/2.
    pub(super) const fn is_stream(&self) -> bool {
        !matches!(self.transport, Transport::Socket(_))
    }

    /// The request's response has ended.
    pub(super) fn end_request(&self) {
        self.transfers.release_permit();
        self.idle_since.store(self.timer.clock().now(), Ordering::Relaxed);
        self.in_request.store(false, Ordering::Relaxed);
    }

    /// Whether a request is in progress. Otherwise the host waits for the head of one.
    pub(super) fn is_in_request(&self) -> bool {
        self.in_request.load(Ordering::Relaxed)
    }

    /// The response that begins now closes the connection.
    pub(super) fn announce_close(&self) {
        self.announced_close.store(true, Ordering::Relaxed);
    }

    /// Whether the client may send a further request: no response has said that the connection ends, and the response that
    /// it waits for cannot say so.
    pub(super) fn may_continue(&self) -> bool {
        !self.announced_close.load(Ordering::Relaxed) && (!self.is_in_request() || self.has_response())
    }

    /// The connection must end. This comes before its task is woken for that.
    pub(super) fn tell_to_stop(&self) {
        self.told_to_stop.store(true, Ordering::Release);
    }

    /// Whether the connection must end.
    pub(super) fn is_told_to_stop(&self) -> bool {
        self.told_to_stop.load(Ordering::Acquire)
    }

    /// Since which tick the client has had no request in progress.
    pub(super) fn idle_since(&self) -> Option<u64> {
        (!self.is_in_request()).then(|| self.idle_since.load(Ordering::Relaxed))
    }

    /// The whole body of the request has arrived. From now on its runner is to answer within `request_timeout`.
    pub(super) fn finish_upload(&self) {
        if !self.has_uploaded() {
            self.uploaded.store(true, Ordering::Relaxed);
            self.timer.restart(Wait::Response, self.limits.response);
        }
    }

    /// Whether the whole body of the request has arrived.
    pub(super) fn has_uploaded(&self) -> bool {
        self.uploaded.load(Ordering::Relaxed)
    }

    /// Which transfer the host waits for, and for how long it has since the client last transferred enough (S43a).
    pub(super) fn awaited_transfer(&self) -> Option<ClientWait> {
        let waits = [(Wait::Download, AwaitedTransfer::Response), (Wait::Upload, AwaitedTransfer::Request)];
        waits.into_iter().find_map(|(wait, transfer)| {
            let waited = self.limits.inactivity.0.saturating_sub(self.timer.left(wait)?);
            let ticks = u32::try_from(waited).unwrap_or(u32::MAX);
            Some(ClientWait { transfer, waited: self.timer.clock().tick().saturating_mul(ticks) })
        })
    }

    /// Whether the host waits for more of the request's body. Otherwise the body is complete, or cannot be passed on.
    pub(super) fn is_awaited(&self) -> bool {
        !self.has_uploaded() && self.timer.is_running(Wait::Upload)
    }

    /// The request's body waits until its runner, or a time limit, lets it follow.
    pub(super) fn await_continue(&self) {
        self.awaits_continue.store(true, Ordering::Relaxed);
        self.timer.start(Wait::Continue, self.limits.wait_for_continue);
    }

    /// Whether the request's body waits for its runner's `100 Continue`.
    pub(super) fn awaits_continue(&self) -> bool {
        self.awaits_continue.load(Ordering::Relaxed)
    }

    /// Lets the request's body follow.
    pub(super) fn stop_awaiting_continue(&self) {
        if self.awaits_continue() {
            self.timer.stop(Wait::Continue);
            self.awaits_continue.store(false, Ordering::Relaxed);
        }
    }

    /// hyper has begun to write something.
    pub(super) fn begin_write(&self) {
        self.write_ended.store(false, Ordering::Relaxed);
    }

    /// Everything that hyper has written was sent, or is deferred.
    pub(super) fn end_write(&self) {
        self.write_ended.store(true, Ordering::Relaxed);
    }

    /// hyper has given everything that it has. So its response is whole, unless it is still in a request.
    pub(super) fn end_response(&self) {
        if !self.is_in_request() {
            self.owed.store(false, Ordering::Relaxed);
        }
    }

    /// Whether a request has arrived of whose response hyper has not given everything. Otherwise what hyper writes is its own answer
    /// to a head that it cannot read.
    pub(super) fn is_owed_response(&self) -> bool {
        self.owed.load(Ordering::Relaxed)
    }

    /// Whether everything that hyper has written was sent, or is deferred.
    pub(super) fn has_ended_write(&self) -> bool {
        self.write_ended.load(Ordering::Relaxed)
    }

    /// Whether nothing is left to be written to the client.
    pub(super) fn is_flushed(&self) -> bool {
        self.has_ended_write() && !self.deferred.is_there()
    }

    /// Whether the response is sent to the client in chunks.
    pub(super) fn has_chunks(&self) -> bool {
        self.in_chunks.load(Ordering::Relaxed)
    }

    /// Sends a zero between two chunks: the first digit of the next chunk's size (RFC 9112, 7.1). A connection that its client
    /// has closed is reset by it.
    pub(super) fn probe_gap(&self) {
        self.has_probe.store(self.has_chunks(), Ordering::Relaxed);
    }

    /// Takes the probe that is to be written now. After the last chunk there is no gap to probe.
    pub(super) fn take_probe(&self) -> bool {
        self.has_probe.load(Ordering::Relaxed) && {
            self.has_probe.store(false, Ordering::Relaxed);
            self.is_in_request() && self.has_chunks()
        }
    }

    /// Polls hyper's connection.
    pub(super) fn poll<C: Future + Unpin>(
        &self,
        connection: &mut C,
        cx: &mut Context<'_>,
    ) -> Poll<C::Output> {
        self.lacks_part.store(false, Ordering::Relaxed);
        Pin::new(connection).poll(cx)
    }

    /// The response has no further part to read yet, and the next one wakes the task. hyper asks twice in each poll of its
    /// connection: it gets the same answer. Streams of HTTP/2 share a connection, so each of their questions counts.
    pub(super) fn lack_part(&self) {
        self.lacks_part.store(!self.is_stream(), Ordering::Relaxed);
    }

    /// Whether the response had no further part to read since hyper's connection was polled.
    pub(super) fn lacks_part(&self) -> bool {
        self.lacks_part.load(Ordering::Relaxed)
    }

    /// Whether a response has begun, which no interim response may follow.
    pub(super) fn has_response(&self) -> bool {
        !self.interim.are_possible()
    }

    /// The connection that carries a stream of HTTP/2, and otherwise the client itself.
    pub(super) fn connection(&self) -> &Self {
        match &self.transport {
            Transport::Socket(_) => self,
            #[cfg(feature = "http2")]
            Transport::Connection(connection) => connection,
        }
    }

    pub(super) fn stream(&self) -> &TcpStream {
        match &self.transport {
            Transport::Socket(stream) => stream,
            #[cfg(feature = "http2")]
            Transport::Connection(connection) => connection.stream(),
        }
    }
}
