//! Runs histories, and finds the shortest one that fails.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};

use super::super::chance::Chance;
use super::history::History;

thread_local! {
    /// Whether panics of this thread are not printed: each failure while a history shrinks is one.
    static IS_SILENT: Cell<bool> = const { Cell::new(false) };
}

/// A history: the steps of a seed that are taken. Each step makes the same choices whichever others are taken.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    seed: u64,
    steps: Vec<u64>,
}

impl Plan {
    /// Mostly short: faults that are few find as much, and more histories fit into the time.
    pub(super) fn random(seed: u64) -> Self {
        let mut chance = Chance::of_step(seed, u64::MAX);
        let bound = chance.of(&[10, 40, 40, 80]);
        let length = if chance.one_in(100) { 300 } else { chance.below(bound) };
        Self { seed, steps: (0..length.try_into().unwrap()).collect() }
    }

    /// Runs it. Returns the kinds of events that the fleet published, or `None` if an assertion fails.
    pub(super) fn run(&self) -> Option<BTreeSet<&'static str>> {
        catch_unwind(AssertUnwindSafe(|| self.replay(History::new(self.seed)).kinds)).ok()
    }

    fn replay(&self, mut history: History) -> History {
        for step in &self.steps {
            history.step(Chance::of_step(self.seed, *step));
        }
        history.recover(Chance::of_step(self.seed, u64::MAX - 1));
        history
    }

    /// Leaves out steps for as long as the history still fails.
    fn shrink(mut self) -> Self {
        let mut length = self.steps.len();
        while length > 0 {
            let mut start = 0;
            while start < self.steps.len() {
                let mut shorter = self.clone();
                shorter.steps.drain(start..self.steps.len().min(start + length));
                if shorter.run().is_none() {
                    self = shorter;
                } else {
                    start += length;
                }
            }
            length /= 2;
        }
        self
    }

    /// Shrinks a history that fails, prints each of its events, and fails as it does.
    pub(super) fn explain(self) -> ! {
        let print = take_hook();
        set_hook(Box::new(move |panic| {
            if !IS_SILENT.get() {
                print(panic);
            }
        }));
        IS_SILENT.set(true);
        let shortest = self.shrink();
        IS_SILENT.set(false);
        println!("the shortest history that fails: {shortest:?}");
        let mut history = History::new(shortest.seed);
        println!("{:#?}", history.settings);
        history.traced = true;
        shortest.replay(history);
        unreachable!("{shortest:?} has failed before");
    }
}
