//! What a runner takes of a request whose body still arrives (S43b).

/// What a runner takes of a request whose body still arrives. Times are in ticks.
#[derive(Debug)]
pub(super) struct Uptake {
    /// How many bytes had been written at the last look, and how much the runner had not read.
    written: u64,
    unread: u64,
    /// Since when the runner has taken nothing, although it could.
    idle_since: u64,
    /// When the request is judged first.
    deadline: u64,
    limit: u64,
}

/// Which side a request that has reached its time limit waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LateSide {
    Client,
    Runner,
}

impl Uptake {
    /// Begins when nothing is written yet.
    pub(super) const fn new(now: u64, limit: u64) -> Self {
        Self { written: 0, unread: 0, idle_since: now, deadline: now.saturating_add(limit), limit }
    }

    /// Whether a look can tell something: the runner is not known to have taken something in this tick.
    pub(super) const fn is_idle(&self, now: u64) -> bool {
        self.idle_since < now
    }

    /// Notes how many bytes have been written, and how much the runner has not read. A look before each write and one after it
    /// tell what the runner takes from what a write adds: the system counts the memory that holds it, which is more.
    pub(super) const fn look(&mut self, now: u64, written: u64, unread: u64) {
        if unread < self.unread || (unread == 0 && written > self.written) {
            self.idle_since = now;
        }
        self.written = written;
        self.unread = unread;
    }

    /// The runner has nothing to take until the client sends more.
    pub(super) const fn await_client(&mut self, now: u64) {
        self.idle_since = now;
    }

    /// The whole time begins again.
    pub(super) const fn restart(&mut self, now: u64) {
        self.idle_since = now;
        self.deadline = now.saturating_add(self.limit);
    }

    /// Whether the request is to be judged.
    pub(super) const fn is_due(&self, now: u64) -> bool {
        self.deadline <= now
    }

    /// Whether the runner has taken nothing for as long as the limit.
    pub(super) const fn is_overdue(&self, now: u64) -> bool {
        self.idle_since.saturating_add(self.limit) <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: u64 = 10;

    /// At which tick a request becomes overdue of which this much is written and unread before and after the write of each tick.
    fn overdue_at(looks: impl Fn(u64) -> [(u64, u64); 2]) -> Option<u64> {
        let mut uptake = Uptake::new(0, LIMIT);
        (1..100).find(|now| {
            for (written, unread) in looks(*now) {
                uptake.look(*now, written, unread);
            }
            uptake.is_due(*now) && uptake.is_overdue(*now)
        })
    }

    #[test]
    fn a_runner_that_takes_nothing_is_overdue_after_the_limit_although_more_is_written_s43b() {
        assert_eq!(overdue_at(|_| [(500, 500); 2]), Some(LIMIT));
        assert_eq!(overdue_at(|now| [(now - 1, (now - 1) * 768), (now, now * 768)]), Some(LIMIT));
        assert_eq!(overdue_at(|now| [if now < 5 { (500, 100) } else { (500, 50) }; 2]), Some(5 + LIMIT));
    }

    #[test]
    fn a_runner_that_takes_some_of_what_is_written_is_not_overdue_s43b() {
        let of_small_pieces = |now| [(100 * (now - 1), 768 * (now / 2)), (100 * now, 768 * (now / 2 + 1))];
        assert_eq!(overdue_at(of_small_pieces), None, "one of two pieces, which count more than their bytes");
        assert_eq!(overdue_at(|now| [(1_000 + 8 * now, 0); 2]), None, "all that is written");
        assert_eq!(overdue_at(|now| [(1_000, 900 - now / 8); 2]), None, "and nothing is written");
    }
}
