//! Whether the system lets a runner start its threads.

use std::io;
use std::sync::Mutex;
use std::thread;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_that_were_tried_out_have_ended() {
        try_out(0).unwrap();
        try_out(20).unwrap();
    }
}
