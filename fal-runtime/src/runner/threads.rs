//! The threads that a runner needs, where the system may refuse further ones.

use std::convert::Infallible;
use std::io;
use std::sync::Mutex;
use std::thread;

use tokio::runtime::Handle;

use super::timeouts;

/// Starts this many threads, which live at the same time, and ends them.
///
/// If Tokio gets fewer threads than it needs, it panics, and waits forever for those that it got.
pub(super) fn try_out(count: usize) -> io::Result<()> {
    let gate = Mutex::new(());
    thread::scope(|scope| {
        // Opens when all are started, or one is not.
        let _closed = gate.lock();
        for _ in 0..count {
            thread::Builder::new().spawn_scoped(scope, || drop(gate.lock()))?;
        }
        Ok(())
    })
}

/// Keeps one thread for blocking calls alive. Tokio panics if it needs one and there is none, and lets calls wait for one that it
/// has (S101b).
pub(super) async fn keep_one(apps: Handle) -> Infallible {
    loop {
        // A thread ends when it has had no call for its time. This is one.
        apps.spawn_blocking(|| ());
        tokio::time::sleep(timeouts::BLOCKING_KEEP_ALIVE / 2).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_that_were_tried_out_have_ended() {
        try_out(0).unwrap();
        try_out(20).unwrap();
    }
}
