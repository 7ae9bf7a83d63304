//! Replacing every runner by plan, one after another.

use std::collections::VecDeque;

use fal_health::Time;

use super::runner::{Phase, Place, Runner};
use super::{Ending, Fleet, Reason, Replacement};
use crate::RunnerId;

/// The runners that are being replaced by plan.
#[derive(Debug)]
pub(super) struct Roll {
    left: VecDeque<RunnerId>,
    /// The one that is being replaced, and its place.
    current: Option<(RunnerId, Place)>,
}

impl Fleet {
    /// Every runner that there is now is to be replaced. Asked again meanwhile, those that are new by then are, too.
    pub(super) fn restart(&mut self, now: Time) {
        if self.ending != Ending::Not {
            return;
        }
        let current = self.roll.as_ref().and_then(|roll| roll.current);
        let left = self.seats.iter().flat_map(|seat| [seat.occupant, seat.successor]).flatten().collect();
        self.roll = Some(Roll { left, current });
        self.advance(now);
    }

    /// Goes on to the next runner when the last one is gone and its successor takes requests.
    pub(super) fn advance(&mut self, now: Time) {
        if self.ending != Ending::Not {
            self.roll = None;
        }
        while let Some(roll) = &mut self.roll {
            if let Some((old, place)) = roll.current {
                let occupant = self.seats.get(place.0).and_then(|seat| seat.occupant);
                let ready = occupant.and_then(|id| self.runners.get(&id)).is_some_and(Runner::is_ready);
                if self.runners.contains_key(&old) || !ready {
                    return;
                }
                roll.current = None;
            }
            match roll.left.pop_front() {
                Some(id) => self.replace(now, id),
                None => self.roll = None,
            }
        }
    }

    fn replace(&mut self, now: Time, id: RunnerId) {
        let Some((phase, place)) = self.runners.get(&id).map(|runner| (runner.phase, runner.place)) else {
            return;
        };
        match phase {
            Phase::Ready { .. } if self.settings.replacement == Replacement::Beside => {
                // One may be on its way, from a roll that was given up because another start failed.
                if self.seats.get(place.0).is_some_and(|seat| seat.successor.is_none()) {
                    let successor = self.begin(now, place);
                    if let Some(seat) = self.seats.get_mut(place.0) {
                        seat.successor = Some(successor);
                    }
                }
            }
            Phase::Ready { .. } => self.drain(now, id, Reason::Restarted),
            // It serves nobody yet.
            Phase::Setup { .. } => self.end(now, id, Reason::Restarted),
            // The first two have still to be started, and the others are being replaced already.
            Phase::CrashBackoff { .. }
            | Phase::Pending
            | Phase::Draining { .. }
            | Phase::Terminating { .. }
            | Phase::Killed { .. } => return,
        }
        if let Some(roll) = &mut self.roll {
            roll.current = Some((id, place));
        }
    }

    /// A runner is ready: where it was waited for, it takes its place from the one that it replaces.
    pub(super) fn succeed(&mut self, now: Time, id: RunnerId) {
        let Some(place) = self.runners.get(&id).map(|runner| runner.place) else { return };
        let Some(seat) = self.seats.get(place.0) else { return };
        if seat.successor == Some(id)
            && let Some(old) = seat.occupant
        {
            self.drain(now, old, Reason::Restarted);
        }
    }
}
