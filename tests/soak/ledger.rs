//! Which runner was given which fault, and which runner ended for which reason.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::time::{Duration, Instant};

use fal_host::{EventKind, EventStream, Reason};
use fal_runtime::{Error, Result};
use futures_util::FutureExt;

use crate::app::{Fault, SLOTS};

/// What was done to a runner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// It was told.
    Told(Fault),
    /// SIGKILL.
    Killed,
    /// SIGSTOP.
    Stopped,
}

impl Deed {
    /// What may be the reason for the end of a runner that this was done to.
    fn explains(self, reason: Reason) -> bool {
        match self {
            Self::Told(Fault::Unhealthy | Fault::Hung) | Self::Stopped => reason == Reason::Unhealthy,
            Self::Told(Fault::Leaking) => reason == Reason::Memory,
            Self::Told(Fault::Stopping) => reason == Reason::Requested,
            Self::Told(Fault::Asking) => matches!(reason, Reason::ManualCheckFailed | Reason::Unhealthy),
            // Its sockets are found closed before its end is.
            Self::Told(Fault::Exit) | Self::Killed => {
                matches!(reason, Reason::Exited | Reason::Unreachable | Reason::Unhealthy)
            }
        }
    }

    /// Whether requests that were sent to it may be lost by it (S39).
    fn is_lethal(self) -> bool {
        matches!(self, Self::Told(Fault::Exit) | Self::Killed | Self::Stopped)
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Told(fault) => write!(f, "{fault:?}"),
            other => write!(f, "{other:?}"),
        }
    }
}

/// The end of a runner.
#[derive(Clone, Copy, Debug)]
struct End {
    reason: Reason,
    heard: Instant,
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    deeds: HashMap<u64, Vec<Deed>>,
    ends: HashMap<u64, End>,
}

/// How long after its runner's end a request may be known to be lost, or before it.
const NEAR: Duration = Duration::from_secs(3);

impl Ledger {
    pub(crate) fn did(&mut self, runner: u64, deed: Deed) {
        self.deeds.entry(runner).or_default().push(deed);
    }

    pub(crate) fn has(&self, runner: u64) -> bool {
        self.deeds.contains_key(&runner)
    }

    /// How many have ended.
    pub(crate) fn ended(&self) -> usize {
        self.ends.len()
    }

    /// Those that something was done to and that live.
    pub(crate) fn outstanding(&self) -> Vec<u64> {
        self.deeds.keys().filter(|runner| !self.ends.contains_key(runner)).copied().collect()
    }

    /// Reads all events so far.
    pub(crate) fn catch_up(&mut self, events: &mut EventStream) -> Result<()> {
        while let Some(event) = events.next().now_or_never() {
            let event = event.ok_or_else(|| Error::msg("the host has ended"))?;
            if let EventKind::Terminated(record) = event.kind {
                self.ends.insert(record.id.get(), End { reason: record.reason, heard: Instant::now() });
            }
        }
        if events.missed() > 0 {
            return Err(Error::msg("the trial is too slow to hear everything"));
        }
        Ok(())
    }

    fn deeds(&self, runner: u64) -> &[Deed] {
        self.deeds.get(&runner).map_or(&[], Vec::as_slice)
    }

    /// The losses that no end explains. When a process dies, the requests in flight in it fail: at most a request
    /// a connection, and while its sockets close one after the other a request may be sent to the next.
    pub(crate) fn unexplained(&self, losses: &[(Instant, String)]) -> BTreeMap<String, u32> {
        let lethal =
            self.ends.iter().filter(|(runner, _)| self.deeds(**runner).iter().any(|deed| deed.is_lethal()));
        let mut ends: Vec<_> = lethal.map(|(_, end)| (end.heard, 2 * SLOTS)).collect();
        ends.sort_unstable();
        let mut unexplained = BTreeMap::new();
        for (at, problem) in losses {
            let near = |end: Instant| end.max(*at).duration_since(end.min(*at)) < NEAR;
            match ends.iter_mut().find(|(end, left)| *left > 0 && near(*end)) {
                Some((_, left)) if problem == "runner_disconnected" => *left -= 1,
                _ => *unexplained.entry(problem.clone()).or_default() += 1,
            }
        }
        unexplained
    }

    /// Fails if a runner has ended for a reason that no fault explains.
    pub(crate) fn judge(&self) -> Result<()> {
        let (mut done, mut ended) = (BTreeMap::<_, u32>::new(), BTreeMap::<_, u32>::new());
        for deed in self.deeds.values().flatten() {
            *done.entry(deed.to_string()).or_default() += 1;
        }
        for end in self.ends.values() {
            *ended.entry(end.reason.name()).or_default() += 1;
        }
        println!("done to runners: {done:?}");
        println!("ended: {ended:?}");
        for (runner, end) in &self.ends {
            let deeds = self.deeds(*runner);
            let is_planned = matches!(
                end.reason,
                Reason::Restarted | Reason::RestartAborted | Reason::Age | Reason::Requests | Reason::Stopped
            );
            if !is_planned && !deeds.iter().any(|deed| deed.explains(end.reason)) {
                return Err(Error::msg(format!(
                    "runner {runner} is {}, and done to it was {deeds:?}",
                    end.reason
                )));
            }
        }
        Ok(())
    }
}
