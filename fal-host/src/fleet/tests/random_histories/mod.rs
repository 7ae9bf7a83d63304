//! Random histories: any event may follow any other. The invariants hold after each, and the fleet becomes whole in the end.
//!
//! `FAL_HISTORIES` sets how many. One that fails is shrunk and printed.

mod faults;
mod history;
mod invariants;
mod recovery;
mod settings;
mod shrink;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use self::shrink::Plan;

const HISTORIES: u64 = 10_000;

/// How many kinds of events a fleet can publish.
const KINDS: usize = 22;

#[test]
fn after_any_faults_a_fleet_whose_runners_pass_becomes_whole_and_stays_whole() {
    let histories = std::env::var("FAL_HISTORIES").map_or(HISTORIES, |count| count.parse().unwrap());
    let (next, failed) = (AtomicU64::new(0), AtomicU64::new(u64::MAX));
    let work = || {
        let mut kinds = BTreeSet::new();
        while failed.load(Ordering::Relaxed) == u64::MAX {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= histories {
                break;
            }
            match Plan::random(seed).run() {
                Some(published) => kinds.extend(published),
                None => drop(failed.fetch_min(seed, Ordering::Relaxed)),
            }
        }
        kinds
    };
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let kinds: BTreeSet<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    let failed = failed.into_inner();
    if failed != u64::MAX {
        Plan::random(failed).explain();
    }
    assert_eq!(kinds.len(), KINDS, "every kind of event was published: {kinds:?}");
}
