//! How runners that have reached a limit are replaced (S54).

use std::num::NonZeroU64;
use std::time::Duration;

use fal_health::Time;

use super::Fleet;
use super::event_kind::EventKind;
use super::record::Reason;
use super::replica::{Replacement, ReplicaIndex};
use super::runner::Runner;
use super::settings::ReplacementStrategy;
use crate::amounts::{duration, memory};
use crate::id::RunnerId;

impl Fleet {
    /// The resident memory of a runner's processes was measured.
    pub(super) fn on_memory_measured(&mut self, id: RunnerId, bytes: u64) {
        let Some(runner) = self.runners.get_mut(&id) else { return };
        runner.memory = Some(bytes);
        if !runner.is_ready() {
            return;
        }
        let is_first = runner.first_memory.is_none();
        runner.first_memory.get_or_insert(bytes);
        let reached = runner.limits.memory.filter(|limit| bytes >= limit.get());
        let replica = self.replicas.get_mut(&runner.replica).filter(|_| is_first);
        let begins_so_again = replica.is_some_and(|replica| {
            std::mem::replace(&mut replica.began_at_limit, reached.is_some()) && reached.is_some()
        });
        let Some(limit) = reached else { return };
        if begins_so_again {
            // Its successor would, too (S54e).
            runner.limits.memory = NonZeroU64::new(bytes.saturating_add(bytes / 10));
            let detail = format!(
                "it uses {} of resident memory from the beginning, like the runner before it, and its limit is {}: it is replaced at \
                 a tenth more; raise `--max-memory`",
                memory(bytes),
                memory(limit.get())
            );
            self.emit(id, EventKind::LimitTooLow { reason: Reason::Memory, detail });
        } else {
            self.on_limit_reached(id, Reason::Memory);
        }
    }

    /// A runner in the rotation or a spare has reached one of its limits: its replacement is due (S54a).
    pub(super) fn on_limit_reached(&mut self, id: RunnerId, reason: Reason) {
        let Some(runner) = self.runners.get_mut(&id).filter(|runner| runner.is_ready()) else { return };
        if runner.due.is_none() {
            runner.due = Some(reason);
            let detail = measured_at_limit(runner, self.now, reason);
            if runner.reason.is_none() && detail.is_some() {
                runner.detail.clone_from(&detail);
            }
            self.due.push_back(id);
            self.emit(id, EventKind::ReplacementDue { reason, detail });
            self.update_timer(id);
        }
    }

    /// A runner is ready at this age. If that is above its limit, its successor would be, too (S54f).
    pub(super) fn raise_age_limit(&mut self, id: RunnerId, age: Duration) {
        let Some(runner) = self.runners.get_mut(&id) else { return };
        let Some(limit) = runner.limits.age.filter(|limit| *limit <= age) else { return };
        runner.limits.age = Some(limit + age);
        runner.late_start = Some(age);
        let detail = format!(
            "it took {} to start, and its limit on age is {}: the limit counts from now; raise `--max-age`",
            duration(age),
            duration(limit)
        );
        self.emit(id, EventKind::LimitTooLow { reason: Reason::Age, detail });
    }

    /// Replaces runners that have reached a limit, as many as the bound allows, and none during a rolling restart (S54c).
    pub(super) fn start_due_replacements(&mut self, now: Time) {
        while !self.due.is_empty() && self.rolling_restart.is_none() && !self.is_stopping() {
            if self.replacing >= self.max_replacing() {
                return;
            }
            self.due.retain(|id| self.runners.get(id).is_some_and(Runner::is_ready));
            let Some((id, index, reason)) = self.due.iter().find_map(|id| self.replaceable(*id)) else {
                return;
            };
            self.due.retain(|due| *due != id);
            self.set_replacement(index, Some(Replacement::Doubled));
            match self.settings.replacement_strategy {
                ReplacementStrategy::StartFirst => self.start_successor(now, index, reason),
                ReplacementStrategy::StopFirst => self.drain(now, id, reason),
            }
        }
    }

    /// A runner that is due, if its replica is not being replaced already.
    fn replaceable(&self, id: RunnerId) -> Option<(RunnerId, ReplicaIndex, Reason)> {
        let runner = self.runners.get(&id)?;
        let replica = self.replicas.get(&runner.replica)?;
        let is_free =
            replica.current == Some(id) && replica.successor.is_none() && replica.replacement.is_none();
        Some((id, runner.replica, runner.due.filter(|_| is_free)?))
    }

    /// The successor of a replica has ended before it became the current runner. The old one stays, and is due again if it
    /// has reached a limit.
    pub(super) fn drop_successor(&mut self, now: Time, index: ReplicaIndex) {
        let Some(replica) = self.replicas.get_mut(&index) else { return };
        replica.successor = None;
        let Some(current) = replica.current else { return };
        let was_replacing = replica.replacement.is_some();
        self.end_replacement(now, current, index);
        if was_replacing && self.runners.get(&current).is_some_and(|runner| runner.due.is_some()) {
            self.due.push_back(current);
        }
    }
}

/// What was measured of a runner that has reached this limit, and the limit (S54g).
fn measured_at_limit(runner: &Runner, now: Time, reason: Reason) -> Option<String> {
    let limits = &runner.limits;
    Some(match reason {
        Reason::Memory => format!(
            "it uses {} of resident memory, and its limit is {}",
            memory(runner.memory?),
            memory(limits.memory?.get())
        ),
        Reason::Age => {
            let (age, limit) = (duration(now.since(runner.started)), duration(limits.age?));
            let counts_anew = runner.late_start.map(|late| {
                format!(", since its limit counts from its readiness: it took {} to start", duration(late))
            });
            format!("it is {age} old, and its limit is {limit}{}", counts_anew.unwrap_or_default())
        }
        Reason::Requests => format!("it has served {} requests, which is its limit", limits.requests?),
        _ => return None,
    })
}
