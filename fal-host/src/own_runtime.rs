//! Threads that drive a runtime of their own.

use std::io;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use crate::threads;

/// How many calls that block a runtime of the host makes at a time. One that takes long does not hold up the others.
const MAX_BLOCKING_THREADS: usize = 4;

/// A runtime for one thread, and threads for calls that block. The first of them is started now, and all are kept, since Tokio
/// panics if it needs one later and the system gives none (S101a).
pub(crate) fn with_blocking_threads() -> io::Result<Runtime> {
    threads::try_out(1)?;
    let mut builder = Builder::new_current_thread();
    builder.enable_all().thread_name("fal-blocking");
    let runtime =
        builder.max_blocking_threads(MAX_BLOCKING_THREADS).thread_keep_alive(Duration::MAX).build()?;
    runtime.spawn_blocking(|| ());
    Ok(runtime)
}

/// Starts a thread that drives the runtime. May be called in an async context: a runtime must not be dropped
/// there, so it is sent to the thread when there is one.
pub(crate) fn drive(
    thread: thread::Builder,
    runtime: Runtime,
    work: impl FnOnce(Runtime) + Send + 'static,
) -> io::Result<thread::JoinHandle<()>> {
    let (sender, receiver) = mpsc::channel();
    match threads::spawn(thread, move || receiver.recv().map_or((), work)) {
        Ok(thread) => {
            // The thread waits for it.
            let _ = sender.send(runtime);
            Ok(thread)
        }
        Err(error) => {
            runtime.shutdown_background();
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime() -> Runtime {
        Builder::new_current_thread().build().unwrap()
    }

    #[test]
    fn the_thread_drives_the_runtime() {
        let (sender, receiver) = mpsc::channel();
        let work = move |runtime: Runtime| runtime.block_on(async { sender.send(7).unwrap() });
        drive(thread::Builder::new(), runtime(), work).unwrap().join().unwrap();
        assert_eq!(receiver.recv(), Ok(7));
    }

    #[tokio::test]
    async fn without_a_thread_an_async_caller_gets_an_error_s36c() {
        // No machine has room for a stack of this many bytes.
        let thread = thread::Builder::new().stack_size(1 << 50);
        let error = drive(thread, runtime(), |_| panic!("there is no thread")).unwrap_err();
        assert!(error.to_string().contains("`ulimit -u`"), "{error}");
    }
}
