//! Ends the processes that a test has started when the test is killed. Tests of `fal-host` have this file, too.

use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::{Signal, set_parent_process_death_signal};

/// Lets the system kill the process with the thread that starts it: when the test ends, or its process is killed. Processes
/// that the process starts itself are not killed.
pub fn end_with_test(command: &mut Command) -> &mut Command {
    let set = || set_parent_process_death_signal(Some(Signal::KILL)).map_err(Into::into);
    #[expect(unsafe_code, reason = "nothing else runs between fork and exec")]
    // SAFETY: the closure makes one system call. It does not allocate or lock.
    unsafe {
        command.pre_exec(set)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::thread;

    use super::*;

    #[test]
    fn a_process_is_killed_when_the_thread_of_its_test_ends() {
        let test = thread::spawn(|| end_with_test(Command::new("sleep").arg("60")).spawn().unwrap());
        let mut process = test.join().unwrap();
        assert_eq!(process.wait().unwrap().signal(), Some(Signal::KILL.as_raw()));
    }
}
