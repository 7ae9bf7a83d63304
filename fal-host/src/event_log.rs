//! The last events of a host, numbered, for `GET /events` (S86).

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use fal_health::{CheckRecord, Outcome, Trigger};
use tokio::sync::watch;

use crate::fleet::EventKind;
use crate::id::RunnerId;

/// How many events are kept.
const MAX_EVENTS: usize = 1_024;

/// How much JSON is kept, in bytes.
const MAX_BYTES: usize = 4 << 20;

/// An event that is kept.
#[derive(Clone, Debug)]
pub(crate) struct LoggedEvent {
    /// Its number, from 1.
    pub(crate) number: u64,
    pub(crate) kind: &'static str,
    /// `None` for an event of the host itself.
    pub(crate) runner: Option<RunnerId>,
    pub(crate) content: Content,
}

/// What an event says.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// A JSON object in one line.
    Json(Arc<str>),
    /// A passed periodic check. Most events are, so it becomes JSON only when a client reads it.
    Pass(LoggedPass),
}

/// A periodic check that has passed.
#[derive(Clone, Debug)]
pub(crate) struct LoggedPass {
    pub(crate) at: SystemTime,
    pub(crate) record: CheckRecord,
}

impl LoggedPass {
    /// The event, if it is a periodic check that has passed.
    pub(crate) fn of(kind: &EventKind, at: SystemTime) -> Option<Self> {
        let EventKind::Checked(record) = kind else { return None };
        let is_usual = record.outcome == Outcome::Pass && record.trigger == Trigger::Periodic;
        is_usual.then_some(Self { at, record: *record })
    }
}

impl Content {
    fn len(&self) -> usize {
        match self {
            Self::Json(json) => json.len(),
            Self::Pass(pass) => size_of_val(pass),
        }
    }
}

/// The last events of a host. Writing never waits, and a reader that is too slow misses the oldest ones.
#[derive(Debug)]
pub(crate) struct EventLog {
    /// Distinguishes this host from one before it, whose numbers a client may still have.
    epoch: u64,
    kept: Mutex<Kept>,
    newest: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Kept {
    events: VecDeque<LoggedEvent>,
    bytes: usize,
}

/// A position in the log: all events up to this number were read. It is also the id of the event with this number, which no event of
/// another host of this app has (S86a).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) epoch: u64,
    pub(crate) number: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.number)
    }
}

impl FromStr for Position {
    type Err = ();

    fn from_str(id: &str) -> Result<Self, ()> {
        let (epoch, number) = id.trim().split_once('-').ok_or(())?;
        Ok(Self { epoch: epoch.parse().map_err(drop)?, number: number.parse().map_err(drop)? })
    }
}

/// What follows a position.
#[derive(Debug)]
pub(crate) struct Batch {
    /// How many events were forgotten before they were read.
    pub(crate) missed: u64,
    pub(crate) events: Vec<LoggedEvent>,
    pub(crate) position: Position,
}

impl EventLog {
    pub(crate) fn new() -> Arc<Self> {
        let epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let epoch = u64::try_from(epoch).unwrap_or(u64::MAX);
        Arc::new(Self { epoch, kept: Mutex::default(), newest: watch::Sender::new(0) })
    }

    /// Keeps an event, and forgets the oldest ones.
    pub(crate) fn push(
        &self,
        kind: &'static str,
        runner: Option<RunnerId>,
        content: impl FnOnce(Position) -> Content,
    ) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let number = *self.newest.borrow() + 1;
        let content = content(Position { epoch: self.epoch, number });
        kept.bytes += content.len();
        kept.events.push_back(LoggedEvent { number, kind, runner, content });
        while kept.events.len() > MAX_EVENTS || (kept.bytes > MAX_BYTES && kept.events.len() > 1) {
            let Some(oldest) = kept.events.pop_front() else { break };
            kept.bytes -= oldest.content.len();
        }
        self.newest.send_replace(number);
    }

    /// The position before the first event.
    pub(crate) fn start(&self) -> Position {
        Position { epoch: self.epoch, number: 0 }
    }

    /// The position after the newest event.
    pub(crate) fn end(&self) -> Position {
        Position { epoch: self.epoch, number: *self.newest.borrow() }
    }

    /// The events after a position. That of another host, and one that has not been reached, count as the start.
    pub(crate) fn since(&self, position: Position) -> Batch {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = *self.newest.borrow();
        let is_own = position.epoch == self.epoch && position.number <= newest;
        let read = if is_own { position.number } else { 0 };
        let first = kept.events.front().map_or(newest + 1, |first| first.number);
        let events = kept.events.iter().filter(|event| event.number > read).cloned().collect();
        Batch {
            missed: first.saturating_sub(read + 1),
            events,
            position: Position { epoch: self.epoch, number: newest },
        }
    }

    /// Tells when there is another event.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(log: &EventLog, count: u64) {
        for _ in 0..count {
            log.push("ready", Some(RunnerId::new(1)), |id| {
                Content::Json(format!("{{\"id\":\"{id}\"}}").into())
            });
        }
    }

    fn numbers(batch: &Batch) -> Vec<u64> {
        batch.events.iter().map(|event| event.number).collect()
    }

    #[test]
    fn a_reader_continues_after_the_last_event_that_it_has_read_s86a() {
        let log = EventLog::new();
        push(&log, 3);
        let first = log.since(log.start());
        assert_eq!((numbers(&first), first.missed), (vec![1, 2, 3], 0));
        push(&log, 2);
        let second = log.since(first.position);
        assert_eq!((numbers(&second), second.missed), (vec![4, 5], 0));
        assert!(log.since(log.end()).events.is_empty());
    }

    #[test]
    fn events_that_were_forgotten_before_they_were_read_are_counted_s86a() {
        let log = EventLog::new();
        push(&log, 1_030);
        let batch = log.since(Position { number: 2, ..log.start() });
        assert_eq!((batch.missed, numbers(&batch).first().copied()), (4, Some(7)));
    }

    #[test]
    fn the_position_of_another_host_counts_as_the_start_s86a() {
        let log = EventLog::new();
        push(&log, 2);
        let other = Position { epoch: 7, number: 2 };
        assert_eq!(numbers(&log.since(other)), [1, 2]);
    }

    #[test]
    fn large_events_are_forgotten_sooner_s86a() {
        let log = EventLog::new();
        for _ in 0..10 {
            log.push("ready", Some(RunnerId::new(1)), |_| Content::Json("x".repeat(1 << 20).into()));
        }
        assert_eq!(numbers(&log.since(log.start())), [7, 8, 9, 10]);
    }
}
