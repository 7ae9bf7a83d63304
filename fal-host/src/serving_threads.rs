//! The threads of a program that serve clients beside its main thread.

use std::io;
use std::mem::take;
use std::thread::{self, JoinHandle};

use tokio::runtime::{Handle, Runtime};
use tokio::sync::oneshot;

use crate::own_runtime;

/// Threads that serve clients. Each drives a runtime of its own, so that no two of them wait for the same queue of tasks.
///
/// Dropping them ends the threads, and what they still serve.
#[derive(Debug)]
pub(crate) struct ServingThreads {
    runtimes: Vec<Handle>,
    /// Dropped to end the threads.
    ends: Vec<oneshot::Sender<()>>,
    threads: Vec<JoinHandle<()>>,
}

impl ServingThreads {
    /// Starts this many threads. `runtime` builds the runtime of each.
    pub(crate) fn start(count: usize, runtime: impl Fn() -> io::Result<Runtime>) -> io::Result<Self> {
        let mut started = Self { runtimes: Vec::new(), ends: Vec::new(), threads: Vec::new() };
        for number in 1..=count {
            let runtime = runtime()?;
            let handle = runtime.handle().clone();
            let (end, ended) = oneshot::channel::<()>();
            let serve = move |runtime: Runtime| {
                // The error means that the sender was dropped.
                let _ = runtime.block_on(ended);
            };
            let thread = thread::Builder::new().name(format!("fal-serve-{number}"));
            started.threads.push(own_runtime::drive(thread, runtime, serve)?);
            started.ends.push(end);
            started.runtimes.push(handle);
        }
        Ok(started)
    }

    /// The runtimes of the threads.
    pub(crate) fn runtimes(&self) -> &[Handle] {
        &self.runtimes
    }
}

impl Drop for ServingThreads {
    fn drop(&mut self) {
        drop(take(&mut self.ends));
        for thread in take(&mut self.threads) {
            // A panic of a thread has been printed.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::collections::HashSet;
    use std::sync::mpsc;

    use tokio::runtime::Builder;

    use super::*;

    fn runtime() -> io::Result<Runtime> {
        Builder::new_current_thread().build()
    }

    #[test]
    fn each_runtime_is_driven_by_one_thread_of_its_own_s105a() {
        let serving = ServingThreads::start(2, runtime).unwrap();
        let (sender, threads) = mpsc::channel();
        for _ in 0..2 {
            for runtime in serving.runtimes() {
                let sender = sender.clone();
                runtime.spawn(async move { sender.send(thread::current().id()) });
            }
        }
        let different: HashSet<_> = threads.iter().take(4).collect();
        assert_eq!(different.len(), 2);
    }

    #[test]
    fn what_a_thread_serves_ends_with_it() {
        let serving = ServingThreads::start(1, runtime).unwrap();
        let (held, ended) = mpsc::channel::<()>();
        let (started, is_started) = mpsc::channel();
        serving.runtimes()[0].spawn(async move {
            started.send(()).unwrap();
            std::future::pending::<()>().await;
            drop(held);
        });
        is_started.recv().unwrap();
        drop(serving);
        assert_eq!(ended.try_recv(), Err(mpsc::TryRecvError::Disconnected));
    }

    #[test]
    fn a_runtime_that_cannot_be_built_is_an_error() {
        let has_one = Cell::new(false);
        let second_fails =
            || if has_one.replace(true) { Err(io::ErrorKind::OutOfMemory.into()) } else { runtime() };
        let error = ServingThreads::start(2, second_fails).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::OutOfMemory);
    }
}
