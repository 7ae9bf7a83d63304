//! Threads for jobs, one of which is kept.

use std::collections::VecDeque;
use std::io;
use std::mem::take;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

type Job = Box<dyn FnOnce() + Send>;

/// Runs jobs on threads. One thread stays when it has no job, so that a later job needs none of the system, which may refuse it
/// (S101b).
#[derive(Debug, Default)]
pub(super) struct KeptThread(Arc<JobThreads>);

#[derive(Default)]
struct JobThreads {
    queue: Mutex<JobQueue>,
    called: Condvar,
}

#[derive(Default)]
struct JobQueue {
    /// Jobs for a thread that starts, or for the next one that has ended its job.
    jobs: VecDeque<Job>,
    /// How many threads there are.
    threads: u32,
    idle: IdleThread,
    is_closed: bool,
}

/// The thread without a job. There is one at most: a thread that ends its job beside it ends, too.
#[derive(Default)]
enum IdleThread {
    #[default]
    None,
    Waits,
    /// It has this job, and is about to wake.
    Called(Job),
}

impl KeptThread {
    /// Runs a job on the thread that waits, or else on a new one. If the system refuses that, the job waits for a thread with a job.
    /// An error without such a thread.
    pub(super) fn run(&self, job: Job) -> io::Result<()> {
        let mut state = self.0.lock();
        if matches!(state.idle, IdleThread::Waits) {
            state.idle = IdleThread::Called(job);
            self.0.called.notify_one();
            return Ok(());
        }
        state.jobs.push_back(job);
        let threads = Arc::clone(&self.0);
        match thread::Builder::new().name("health-check".into()).spawn(move || threads.work()) {
            Ok(_) => state.threads += 1,
            Err(_) if state.threads > 0 => {}
            Err(error) => {
                state.jobs.pop_back();
                return Err(error);
            }
        }
        Ok(())
    }
}

impl Drop for KeptThread {
    fn drop(&mut self) {
        self.0.lock().is_closed = true;
        self.0.called.notify_one();
    }
}

impl JobThreads {
    /// Runs jobs, until no job is left and another thread waits for the next one.
    fn work(&self) {
        let mut state = self.lock();
        loop {
            let job = match (state.jobs.pop_front(), &state.idle) {
                (Some(job), _) => job,
                (None, IdleThread::None) if !state.is_closed => {
                    state.idle = IdleThread::Waits;
                    let waiting = self.called.wait_while(state, |state| {
                        matches!(state.idle, IdleThread::Waits) && !state.is_closed
                    });
                    state = waiting.unwrap_or_else(PoisonError::into_inner);
                    let IdleThread::Called(job) = take(&mut state.idle) else { continue };
                    job
                }
                (None, _) => {
                    state.threads -= 1;
                    return;
                }
            };
            drop(state);
            job();
            state = self.lock();
        }
    }

    fn lock(&self) -> MutexGuard<'_, JobQueue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for JobThreads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JobThreads").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};
    use std::thread::ThreadId;
    use std::time::{Duration, Instant};

    use super::*;

    /// Runs a job that tells its thread, and then waits until the returned sender is dropped.
    fn begin(threads: &KeptThread) -> (ThreadId, Sender<()>) {
        let (begun, begins) = channel();
        let (end, ended) = channel::<()>();
        threads
            .run(Box::new(move || {
                begun.send(thread::current().id()).unwrap();
                let _ = ended.recv();
            }))
            .unwrap();
        (begins.recv().unwrap(), end)
    }

    /// Waits until one thread is left, which has no job.
    fn settle(threads: &KeptThread) {
        let guard = Instant::now() + Duration::from_secs(30);
        while !matches!(*threads.0.lock(), JobQueue { threads: 1, idle: IdleThread::Waits, .. }) {
            assert!(Instant::now() < guard, "{} threads are left", threads.0.lock().threads);
            thread::yield_now();
        }
    }

    #[test]
    fn the_thread_of_a_job_is_kept_for_the_next_one_s101b() {
        let threads = KeptThread::default();
        let (first, end) = begin(&threads);
        drop(end);
        settle(&threads);
        let (second, _end) = begin(&threads);
        assert_eq!(first, second);
    }

    #[test]
    fn jobs_run_at_the_same_time_and_one_thread_stays_s101b() {
        let threads = KeptThread::default();
        let begun: Vec<_> = (0..3).map(|_| begin(&threads)).collect();
        assert!(
            begun.iter().all(|(thread, _)| begun.iter().filter(|(other, _)| thread == other).count() == 1)
        );
        drop(begun);
        settle(&threads);
    }

    #[test]
    fn of_threads_that_end_their_jobs_at_the_same_time_one_stays_s101b() {
        let threads = KeptThread::default();
        for _ in 0..10_000 {
            threads.run(Box::new(|| ())).unwrap();
        }
        settle(&threads);
    }

    #[test]
    fn the_thread_ends_with_its_owner() {
        let threads = KeptThread::default();
        let (_, end) = begin(&threads);
        drop(end);
        settle(&threads);
        let threads_left = Arc::clone(&threads.0);
        drop(threads);
        while Arc::strong_count(&threads_left) > 1 {
            thread::yield_now();
        }
    }
}
