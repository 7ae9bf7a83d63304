//! Random histories: any event may follow any other. The invariants hold after each, and the fleet recovers in the end.
//!
//! The test prints the seed of each history.

mod chance;
mod history;
mod invariants;

use std::collections::BTreeSet;

use self::history::History;
use super::simulation::seconds;

/// How many kinds of events these fleets can publish.
const KINDS: usize = 17;

#[test]
fn after_any_history_the_invariants_hold_and_the_fleet_recovers() {
    let mut kinds = BTreeSet::new();
    for seed in 0..150 {
        println!("seed {seed}");
        let mut history = History::new(seed);
        for _ in 0..300 {
            history.step();
        }
        history.recover(seconds(300));
        history.assert_recovered();
        kinds.append(&mut history.kinds);
    }
    assert_eq!(kinds.len(), KINDS, "every kind of event was published: {kinds:?}");
}
