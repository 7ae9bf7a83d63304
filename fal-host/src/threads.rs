//! Threads, and what to do where the system gives none.

use std::io;
use std::path::Path;
use std::sync::Mutex;
use std::thread::{Builder, JoinHandle, scope, yield_now};

/// Starts a thread. The error names the limits.
pub(crate) fn spawn(thread: Builder, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    thread.spawn(work).map_err(no_thread)
}

/// Starts this many threads, which live at the same time, and ends them. If Tokio gets fewer than it needs, it panics.
pub(crate) fn try_out(count: usize) -> io::Result<()> {
    let gate = Mutex::new(());
    let tried = scope(|scope| {
        // Opens when all are started, or one is not.
        let closed = gate.lock();
        let thread = || {
            drop(gate.lock());
            rustix::thread::gettid()
        };
        let started = (0..count).map(|_| Builder::new().spawn_scoped(scope, thread));
        let threads = started.collect::<io::Result<Vec<_>>>()?;
        drop(closed);
        Ok(threads.into_iter().filter_map(|thread| thread.join().ok()).collect::<Vec<_>>())
    });
    // A thread counts for a moment after it was joined.
    for id in tried.map_err(no_thread)? {
        while Path::new("/proc/self/task").join(id.to_string()).exists() {
            yield_now();
        }
    }
    Ok(())
}

fn no_thread(error: io::Error) -> io::Error {
    let advice = "raise the limit on processes (`ulimit -u`, `TasksMax=` of a systemd unit, `pids.max` of the control \
                  group) or on memory";
    io::Error::new(error.kind(), format!("cannot start a thread: {error}; {advice}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_that_were_tried_out_have_ended_s101a() {
        try_out(0).unwrap();
        try_out(20).unwrap();
    }

    #[test]
    fn without_a_thread_the_error_names_the_limits_s101a() {
        // No machine has room for a stack of this many bytes.
        let error = spawn(Builder::new().stack_size(1 << 50), || ()).unwrap_err().to_string();
        let parts = ["cannot start a thread: ", "`ulimit -u`", "`TasksMax=`", "`pids.max`"];
        assert!(parts.iter().all(|part| error.contains(part)), "{error}");
    }
}
