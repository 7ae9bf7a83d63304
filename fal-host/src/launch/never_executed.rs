//! For tests: a command that is never executed.

use std::fs::File;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::Command;

use tokio::net::unix::pipe;

/// A command whose child processes wait between fork and exec, as for a file system that does not answer. Each writes one byte to the
/// pipe before, and holds the other end of the pipe until it ends.
pub(crate) fn never_executed() -> (Command, pipe::Receiver) {
    let (sender, forks) = pipe::pipe().unwrap();
    let mut sender = File::from(sender.into_blocking_fd().unwrap());
    let mut command = Command::new("/bin/true");
    let wait = move || {
        #[expect(unsafe_code, reason = "the call has no safe form")]
        // SAFETY: it touches no memory. It ends the process if the test does not.
        unsafe {
            libc::alarm(120);
        }
        sender.write_all(b"f")?;
        loop {
            #[expect(unsafe_code, reason = "the call has no safe form")]
            // SAFETY: it touches no memory.
            unsafe {
                libc::pause();
            }
        }
    };
    #[expect(unsafe_code, reason = "a process can wait only between fork and exec")]
    // SAFETY: the closure makes system calls. It does not allocate or lock.
    unsafe {
        command.pre_exec(wait);
    }
    (command, forks)
}
