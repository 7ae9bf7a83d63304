//! The tokio runtime of a host that is a program.

use std::io;
use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::thread;

use tokio::runtime::{Builder, Runtime};

/// How many tasks a thread runs before it takes one that its own queue had no room for.
///
/// Its own queue has room for 256 tasks. By default tokio takes one of the others after up to 127 tasks. With more active clients
/// than that, those would wait a hundred times as long as the rest.
const GLOBAL_QUEUE_INTERVAL: u32 = 2;

/// Builds a runtime with a thread for each core.
pub(super) fn build() -> io::Result<Runtime> {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    try_out_threads(cores)?;
    // One thread needs no queues that others can steal from.
    let mut builder = if cores == 1 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    builder.enable_all().global_queue_interval(GLOBAL_QUEUE_INTERVAL).build()
}

/// Starts this many threads, which live at the same time, and ends them. If Tokio gets fewer than it needs, it panics, and waits
/// forever for those that it got.
fn try_out_threads(count: usize) -> io::Result<()> {
    let gate = Mutex::new(());
    thread::scope(|scope| {
        // Opens when all are started, or one is not.
        let _closed = gate.lock();
        for _ in 0..count {
            thread::Builder::new().spawn_scoped(scope, || drop(gate.lock()))?;
        }
        Ok(())
    })
    .map_err(|error: io::Error| {
        io::Error::new(
            error.kind(),
            format!("cannot start {count} threads: {error}; raise the limit on processes (`ulimit -u`)"),
        )
    })
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
