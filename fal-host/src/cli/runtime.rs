//! The tokio runtime of a host that is a program.

use std::io;
use std::num::NonZeroUsize;
use std::thread;

use tokio::runtime::{Builder, Runtime};

use crate::threads;

/// How many tasks a thread runs before it takes one that its own queue had no room for.
///
/// Its own queue has room for 256 tasks. By default tokio takes one of the others after up to 127 tasks. With more active clients
/// than that, those would wait a hundred times as long as the rest.
const GLOBAL_QUEUE_INTERVAL: u32 = 2;

/// Builds a runtime with a thread for each core.
pub(super) fn build() -> io::Result<Runtime> {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    threads::try_out(cores)?;
    // One thread needs no queues that others can steal from.
    let mut builder = if cores == 1 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    builder.enable_all().global_queue_interval(GLOBAL_QUEUE_INTERVAL).build()
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::Poll;

    use super::*;

    #[test]
    fn all_tasks_get_their_turns_if_a_threads_queue_is_too_short_for_them() {
        const TASKS: u32 = 4_000;
        const TURNS: u32 = 100;
        let runtime = build().unwrap();
        let turns = Arc::<AtomicU32>::default();
        let tasks: Vec<_> = (0..TASKS)
            .map(|_| {
                let (turns, mut own) = (Arc::clone(&turns), 0);
                runtime.spawn(poll_fn(move |cx| {
                    own += 1;
                    if turns.fetch_add(1, Ordering::Relaxed) >= TASKS * TURNS {
                        return Poll::Ready(own);
                    }
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }))
            })
            .collect();
        let least = runtime.block_on(async {
            let mut least = u32::MAX;
            for task in tasks {
                least = least.min(task.await.unwrap());
            }
            least
        });
        assert!(least >= TURNS / 8, "a task had {least} of {TURNS} turns");
    }
}
