//! Counters of which each thread has its own.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// One value for each thread that serves requests, up to [`MAX`].
///
/// Threads that add to the same counter wait for each other's caches at each addition. What is counted by all together is the sum
/// over all values.
#[derive(Debug)]
pub(super) struct Sharded<T> {
    first: Aligned<T>,
    others: Box<[Aligned<T>]>,
}

/// How many values there are at most. More threads share them.
const MAX: usize = 16;

/// Processors fetch lines of 64 bytes, many of them two at a time.
#[derive(Debug)]
#[repr(align(128))]
struct Aligned<T>(T);

impl<T> Sharded<T> {
    /// A value for each processor, which is how many threads serve requests.
    pub(super) fn new(mut make: impl FnMut() -> T) -> Self {
        let threads = thread::available_parallelism().map_or(1, usize::from).min(MAX);
        let first = Aligned(make());
        Self { first, others: (1..threads).map(|_| Aligned(make())).collect() }
    }

    /// The value of the thread that asks.
    pub(super) fn own(&self) -> &T {
        let own = number_of_thread() % (self.others.len() + 1);
        &self.others.get(own.wrapping_sub(1)).unwrap_or(&self.first).0
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &T> {
        std::iter::once(&self.first).chain(&self.others).map(|aligned| &aligned.0)
    }
}

/// The number of this thread among those that have asked, from 0.
fn number_of_thread() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: usize = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    // A thread that ends has none any more.
    OWN.try_with(|own| *own).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    #[test]
    fn what_threads_count_is_the_sum_of_their_values() {
        let counters = Sharded::new(AtomicU64::default);
        thread::scope(|scope| {
            for _ in 0..MAX + 4 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        counters.own().fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        let sum: u64 = counters.all().map(|counter| counter.load(Ordering::Relaxed)).sum();
        assert_eq!(sum, (MAX as u64 + 4) * 100);
    }
}
