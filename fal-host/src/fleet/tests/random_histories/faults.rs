//! The steps of a history: any event that may follow, faults among them.

use std::num::NonZeroUsize;
use std::time::Duration;

use fal_health::protocol::Progress;
use fal_health::{Check, Failure, Inconclusive, Outcome, Time};

use super::super::chance::Chance;
use super::super::simulation::{FAILED, millis, seconds};
use super::history::{History, Seen};
use super::settings::MEMORY_LIMIT;
use crate::fleet::{Exit, Finding, FleetEvent, RunnerOrder, Scale};
use crate::id::RunnerId;

const ORDERS: [RunnerOrder; 4] =
    [RunnerOrder::Drain, RunnerOrder::Replace, RunnerOrder::Stop, RunnerOrder::Kill];

impl History {
    /// Lets time pass, or reports an event of one of the youngest runners or of the host.
    pub(super) fn step(&mut self, chance: Chance) {
        self.chance = chance;
        let ids: Vec<_> = self.seen.keys().rev().take(8).copied().collect();
        let id = self.chance.of(&ids);
        let seen = self.seen[&id];
        match self.chance.below(18) {
            16.. => self.finish_first_launch(),
            0..=3 => {
                let wait = self.chance.of(&[1, 100, 1_000, 5_000, 15_000, 40_000]);
                self.advance(millis(wait));
            }
            _ => {
                if let Some(event) = self.random_event(id, seen) {
                    self.handle(event);
                }
            }
        }
        self.assert_invariants();
    }

    /// A launch ends that began at `started`.
    pub(super) fn finish_launch(&mut self, id: RunnerId, started: Time) {
        if self.fleet.runners.get(&id).is_none() {
            assert!(self.stopping, "only a host that stops does not wait for a launch (S61c)");
            if !self.stopped {
                self.of(id).has_process = true;
                self.handle(FleetEvent::Launched { id, pid: None, started });
                assert!(std::mem::take(self.of(id)).killed, "what starts later is killed (S61c)");
            }
        } else if !self.well_behaved && self.chance.one_in(8) {
            self.handle(FleetEvent::LaunchFailed { id, error: "none".to_owned() });
        } else {
            self.of(id).has_process = true;
            self.handle(FleetEvent::Launched { id, pid: None, started });
        }
    }

    /// The first launch in flight ends.
    pub(super) fn finish_first_launch(&mut self) {
        if let Some((id, started)) = self.launching.pop_first() {
            self.finish_launch(id, started);
        }
    }

    fn random_event(&mut self, id: RunnerId, seen: Seen) -> Option<FleetEvent> {
        let Seen { has_process, routed, check, stale, .. } = seen;
        let chance = &mut self.chance;
        let event = match chance.below(12) {
            0..=2 if has_process => FleetEvent::Ready { id },
            3..=5 => {
                let Check { id: check, timeout, .. } = if chance.one_in(8) { stale } else { check }?;
                FleetEvent::CheckFinished { id, check, finding: finding(chance, timeout) }
            }
            6 if chance.one_in(3) => FleetEvent::ManualRequested { id },
            7 if has_process && chance.one_in(3) => FleetEvent::Exited { id, exit: Exit::Status(1) },
            8 if has_process && !routed => FleetEvent::Drained { id },
            9 => match chance.below(7) {
                0 => FleetEvent::Unreachable { id, refused: String::new() },
                1 => FleetEvent::StopRequested { id },
                2 => FleetEvent::SetupFailed { id, error: "no model".to_owned() },
                3 => FleetEvent::Progress { id, progress: Progress::new(0.5, "half") },
                4 => FleetEvent::CheckOrdered { id },
                5 => FleetEvent::Ordered { id, order: chance.of(&ORDERS) },
                _ => FleetEvent::Elapsed,
            },
            10 if chance.one_in(6) => {
                let to = NonZeroUsize::new(1 + chance.below(5))?;
                FleetEvent::Scale(chance.of(&[Scale::Up, Scale::Down, Scale::To(to)]))
            }
            10 if chance.one_in(4) => FleetEvent::Restart,
            10 if chance.one_in(3) => FleetEvent::RequestsReached { id },
            10 if has_process => {
                FleetEvent::MemoryMeasured { id, bytes: chance.of(&[MEMORY_LIMIT / 2, MEMORY_LIMIT * 2]) }
            }
            11 if chance.one_in(100) => {
                if chance.one_in(3) {
                    FleetEvent::Kill
                } else {
                    FleetEvent::Stop
                }
            }
            _ => return None,
        };
        Some(event)
    }
}

/// What a check may find out.
fn finding(chance: &mut Chance, timeout: Duration) -> Finding {
    let lagged = Outcome::Inconclusive(Inconclusive::HostLag(Failure::Timeout));
    let could_not_ask = Outcome::Inconclusive(Inconclusive::CouldNotAsk);
    let timed_out = Outcome::Failure(Failure::Timeout);
    let answers =
        [Outcome::Pass, Outcome::Pass, Outcome::Pass, FAILED, FAILED, timed_out, lagged, could_not_ask];
    let is_busy = chance.one_in(8);
    Finding {
        host_lag: chance.of(&[Duration::ZERO, Duration::ZERO, timeout]),
        canary: chance.of(&[None, Some(Duration::ZERO)]).map(|canary| if is_busy { timeout } else { canary }),
        oldest_request: is_busy.then_some(seconds(60)),
        is_wedged: chance.one_in(12),
        ..Finding::from(chance.of(&answers))
    }
}
