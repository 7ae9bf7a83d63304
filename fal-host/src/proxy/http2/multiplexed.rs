//! A connection of HTTP/2 together with its streams.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::stream::{FuturesUnordered, Stream as _};
use hyper::server::conn::http2;
use tokio::time::{Interval, MissedTickBehavior, Sleep, interval, sleep};

use super::frames::FramedStream;
use super::rounds::Rounds;
use super::service::Requests;
use super::stream::{RequestStream, StreamSpawner};
use crate::proxy::balancer::Balancer;
use crate::proxy::client::Client;
use crate::proxy::departure::LINGER_PAUSE;
use crate::proxy::timer::Wait;

/// Why the work on a connection stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StopReason {
    /// It has had no request for as long as it may.
    Idle,
    /// It has ended.
    Ended,
}

/// A connection and its streams. Dropping it drops all of them.
#[derive(Debug)]
pub(super) struct Multiplexed {
    served: http2::Connection<FramedStream, Requests, StreamSpawner>,
    spawner: StreamSpawner,
    streams: FuturesUnordered<RequestStream>,
    rounds: Rounds,
    balancer: Arc<Balancer>,
    client: Arc<Client>,
    is_closing: bool,
    /// Until when a client may not know of the close (S66c), if it does not say so before.
    linger: Option<Pin<Box<Sleep>>>,
    /// Wakes the streams whose time is over.
    ticks: Interval,
    /// How many ticks it may be without a request.
    idle_limit: u64,
}

impl Multiplexed {
    pub(super) fn new(
        served: http2::Connection<FramedStream, Requests, StreamSpawner>,
        spawner: StreamSpawner,
        rounds: Rounds,
        balancer: Arc<Balancer>,
        client: Arc<Client>,
    ) -> Self {
        let idle_limit = client.limits.head;
        let mut ticks = interval(client.timer.clock().tick());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            served,
            spawner,
            streams: FuturesUnordered::new(),
            rounds,
            balancer,
            client,
            is_closing: false,
            linger: None,
            ticks,
            idle_limit,
        }
    }

    /// Reads, writes, and works on the streams. Ready when the connection is idle for too long, or has ended.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<StopReason> {
        // The error of a client's connection is of no use to the host.
        if Pin::new(&mut self.served).poll(cx).is_ready() {
            return Poll::Ready(StopReason::Ended);
        }
        self.rounds.advance();
        let new = self.spawner.take();
        if !new.is_empty() && !self.is_closing && self.balancer.closes_connections() {
            self.close();
        }
        self.streams.extend(new);
        while let Poll::Ready(Some(())) = Pin::new(&mut self.streams).poll_next(cx) {}
        match (self.streams.is_empty(), self.client.is_in_request()) {
            (false, false) => self.client.begin_streams(),
            (true, true) => {
                self.client.end_request();
                self.client.timer.start(Wait::Head, self.idle_limit);
            }
            _ => {}
        }
        while !self.streams.is_empty() && self.ticks.poll_tick(cx).is_ready() {
            self.tick();
        }
        if let Some(linger) = &mut self.linger
            && linger.as_mut().poll(cx).is_ready()
        {
            self.linger = None;
            self.client.announce_close();
        }
        self.client.timer.poll(Wait::Head, cx).map(|()| StopReason::Idle)
    }

    /// Says that the connection closes. It ends when the last request has ended that the client sends before it knows that, or
    /// a little later if the client does not answer.
    pub(super) fn close(&mut self) {
        self.is_closing = true;
        self.linger = Some(Box::pin(sleep(self.balancer.limits().linger)));
        Pin::new(&mut self.served).graceful_shutdown();
        self.idle_limit = self.client.timer.clock().ticks_of(LINGER_PAUSE);
        if self.streams.is_empty() {
            self.client.timer.start(Wait::Head, self.idle_limit);
        }
    }

    pub(super) const fn is_closing(&self) -> bool {
        self.is_closing
    }

    /// Wakes the streams with a time limit that has passed.
    fn tick(&mut self) {
        if self.balancer.waiting() > 0 {
            let limit = self.client.limits.contention;
            for stream in &mut self.streams {
                let client = &stream.session.client;
                stream.contention.tick(&client.transfers, &client.timer, || 0, limit);
            }
        }
        self.client
            .timer
            .clock()
            .wake_overdue(self.streams.iter().map(|stream| &stream.session.client.timer));
    }
}
