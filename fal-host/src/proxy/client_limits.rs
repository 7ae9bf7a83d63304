//! The time limits of every client connection.

use std::time::Duration;

use super::contention::CONTENTION_TIMEOUT;
use super::on_overdue::OnOverdue;
use super::timer::TickClock;

/// How long a client may take to send the head of a request, which is also how long an idle connection is kept. Load
/// balancers keep idle connections for up to a minute; the side that closes first loses no request.
pub(super) const HEAD_TIMEOUT: Duration = Duration::from_secs(75);

/// How long a client may take for the TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a request with `expect: 100-continue` waits for its runner's `100 Continue` (RFC 9110, 10.1.1).
const CONTINUE_TIMEOUT: Duration = Duration::from_secs(1);

/// After which time an idle connection gives its memory back.
const REST_AFTER: Duration = Duration::from_secs(2);

/// The limits of every client connection, in ticks.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClientLimits {
    pub(super) head: u64,
    pub(super) rest: u64,
    pub(super) handshake: u64,
    /// `client_timeout`, and the same as a time.
    pub(super) inactivity: (u64, Duration),
    /// After which time a request is overdue, and what happens then.
    pub(super) response: Option<u64>,
    pub(super) on_overdue: OnOverdue,
    pub(super) wait_for_continue: u64,
    pub(super) contention: u64,
}

impl ClientLimits {
    pub(super) fn new(
        clock: &TickClock,
        client_timeout: Duration,
        overdue: Option<(Duration, OnOverdue)>,
    ) -> Self {
        Self {
            head: clock.ticks_of(HEAD_TIMEOUT),
            rest: clock.ticks_of(REST_AFTER),
            handshake: clock.ticks_of(HANDSHAKE_TIMEOUT),
            inactivity: (clock.ticks_of(client_timeout), client_timeout),
            response: overdue.map(|(timeout, _)| clock.ticks_of(timeout)),
            on_overdue: overdue.map_or(OnOverdue::Wait, |(_, on_overdue)| on_overdue),
            wait_for_continue: clock.ticks_of(CONTINUE_TIMEOUT),
            contention: clock.ticks_of(CONTENTION_TIMEOUT),
        }
    }
}
