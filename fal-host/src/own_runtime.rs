//! Threads that drive a runtime of their own.

use std::io;
use std::sync::mpsc;
use std::thread;

use tokio::runtime::Runtime;

/// Starts a thread that drives the runtime. May be called in an async context: a runtime must not be dropped
/// there, so it is sent to the thread when there is one.
pub(crate) fn drive(
    thread: thread::Builder,
    runtime: Runtime,
    work: impl FnOnce(Runtime) + Send + 'static,
) -> io::Result<thread::JoinHandle<()>> {
    let (sender, receiver) = mpsc::channel();
    match thread.spawn(move || receiver.recv().map_or((), work)) {
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
        tokio::runtime::Builder::new_current_thread().build().unwrap()
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
        assert!(error.raw_os_error().is_some(), "{error}");
    }
}
