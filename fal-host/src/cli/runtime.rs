//! The tokio runtimes of a host that is a program: one for each core, with a thread of its own.

use std::io;
use std::num::NonZeroUsize;
use std::thread;

use tokio::runtime::{Builder, Runtime};

use crate::serving_threads::ServingThreads;

/// After how many tasks a thread takes one that another thread has woken. Tokio's default is 31: with many active clients those
/// tasks would wait longer than the rest.
const GLOBAL_QUEUE_INTERVAL: u32 = 2;

/// The runtimes of a program.
#[derive(Debug)]
pub(super) struct ProgramRuntime {
    /// For the main thread. It also serves clients.
    pub(super) main: Runtime,
    /// The other threads that serve clients. They end before the main thread.
    pub(super) serving: ServingThreads,
}

/// Starts a thread for each core but one, which the main thread has.
pub(super) fn start() -> io::Result<ProgramRuntime> {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    Ok(ProgramRuntime { main: build()?, serving: ServingThreads::start(cores - 1, build)? })
}

fn build() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().global_queue_interval(GLOBAL_QUEUE_INTERVAL).build()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::sync::oneshot;
    use tokio::task::{JoinSet, yield_now};

    use super::*;

    #[test]
    fn tasks_that_another_thread_has_woken_get_every_second_turn_s105b() {
        const TASKS: u32 = 1_000;
        build().unwrap().block_on(async {
            let turns = Arc::<AtomicU32>::default();
            let mut busy = JoinSet::new();
            for _ in 0..4 {
                let turns = Arc::clone(&turns);
                busy.spawn(async move {
                    loop {
                        turns.fetch_add(1, Ordering::Relaxed);
                        yield_now().await;
                    }
                });
            }
            let (mut woken, mut senders) = (JoinSet::new(), Vec::new());
            for _ in 0..TASKS {
                let (sender, receiver) = oneshot::channel::<()>();
                senders.push(sender);
                woken.spawn(async { drop(receiver.await) });
            }
            // All of them wait.
            while turns.load(Ordering::Relaxed) < 4 * TASKS {
                yield_now().await;
            }
            thread::spawn(move || drop(senders)).join().unwrap();
            let before = turns.load(Ordering::Relaxed);
            while woken.join_next().await.is_some() {}
            let passed = turns.load(Ordering::Relaxed) - before;
            assert!(passed < 8 * TASKS, "{TASKS} tasks waited for {passed} turns of others");
        });
    }

    #[test]
    fn each_core_but_that_of_the_main_thread_has_a_serving_thread_s105a() {
        let cores = thread::available_parallelism().unwrap().get();
        assert_eq!(start().unwrap().serving.runtimes().len(), cores - 1);
    }
}
