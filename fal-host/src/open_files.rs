//! The limit on open files: raises it, restores it for runners, and derives how many clients may connect.

use std::io;
use std::num::{NonZeroU32, NonZeroUsize};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::OnceLock;

#[cfg(target_os = "linux")]
use rustix::process::{Pid, prlimit};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The limit that this process was started with, if it has raised it.
static INHERITED: OnceLock<Rlimit> = OnceLock::new();

/// Raises the soft limit on open files of this process to its hard limit.
///
/// Call it before you create a launcher; the command lines of hosts do. The soft limit is low only for old programs whose
/// `select` cannot handle files beyond the 1,024th. Runners that are processes therefore start with the original limit,
/// and so should other processes that this one starts.
///
/// # Errors
///
/// When the system refuses it.
pub fn raise_open_files() -> io::Result<()> {
    let inherited = getrlimit(Resource::Nofile);
    if inherited.current == inherited.maximum {
        return Ok(());
    }
    setrlimit(Resource::Nofile, Rlimit { current: inherited.maximum, ..inherited })?;
    // An error means that the first call has stored it.
    let _ = INHERITED.set(inherited);
    Ok(())
}

/// Makes the processes of a command start with the original limit. They are then forked, which takes longer the more
/// memory this process has.
pub(crate) fn restore_in(command: &mut Command) {
    let Some(&inherited) = INHERITED.get() else { return };
    // A process that cannot restore it runs with the higher limit.
    let restore = move || {
        let _ = setrlimit(Resource::Nofile, inherited);
        Ok(())
    };
    #[expect(unsafe_code, reason = "nothing else runs between fork and exec")]
    // SAFETY: it makes one system call; it neither allocates nor locks.
    unsafe {
        command.pre_exec(restore);
    }
}

/// Restores the original limit of a process that has just started. Our runners do not mind that they may see the higher
/// limit until then.
#[cfg(target_os = "linux")]
pub(crate) fn restore_of(pid: u32) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    if let (Some(&inherited), Some(pid)) = (INHERITED.get(), pid) {
        // An error means that the process has ended.
        let _ = prlimit(Some(pid), Resource::Nofile, inherited);
    }
}

/// The open files that a host may have, and those that it reserves for its runners.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenFiles {
    /// `None` for no limit.
    limit: Option<u64>,
    /// What the host needs to check, replace and reach its runners.
    reserved: u64,
}

impl OpenFiles {
    pub(crate) fn of(runners: NonZeroUsize, max_multiplexing: NonZeroU32) -> Self {
        Self::within(getrlimit(Resource::Nofile).current, runners, max_multiplexing)
    }

    fn within(limit: Option<u64>, runners: NonZeroUsize, max_multiplexing: NonZeroU32) -> Self {
        /// For listeners, runtimes, the log, the admin interface, and the files of the embedding program.
        const OWN: u64 = 64 + 32;
        /// For the pipes, the channel and the check connection of one runner.
        const RUNNER: u64 = 8;
        let runners = u64::try_from(runners.get()).unwrap_or(u64::MAX);
        // Each runner may have a successor at the same time.
        let reserved = runners
            .saturating_mul(2)
            .saturating_mul(RUNNER + u64::from(max_multiplexing.get()))
            .saturating_add(OWN);
        Self { limit, reserved }
    }

    /// How many clients may be connected.
    pub(crate) fn clients(self) -> usize {
        let Some(limit) = self.limit else { return usize::MAX };
        usize::try_from(limit.saturating_sub(self.reserved).max(limit / 4)).unwrap_or(usize::MAX).max(1)
    }

    /// The limit that this many clients need. `None` where the current limit is high enough.
    pub(crate) fn limit_for(self, clients: usize) -> Option<u64> {
        let needed = self.reserved.saturating_add(u64::try_from(clients).unwrap_or(u64::MAX));
        (self.clients() < clients).then_some(needed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The limit of a host of one runner with one permit.
    fn limited(limit: u64) -> OpenFiles {
        OpenFiles::within(Some(limit), NonZeroUsize::MIN, NonZeroU32::MIN)
    }

    #[test]
    fn files_that_runners_need_are_reserved() {
        assert_eq!(limited(1024).clients(), 910);
        assert_eq!(limited(80).clients(), 20, "a quarter at least");
        assert_eq!(limited(0).clients(), 1);
        let unlimited = OpenFiles::within(None, NonZeroUsize::MIN, NonZeroU32::MIN);
        assert_eq!((unlimited.clients(), unlimited.limit_for(usize::MAX)), (usize::MAX, None));
    }

    #[test]
    fn a_limit_that_is_too_low_comes_with_one_that_is_high_enough() {
        let clients = 1024 + 1;
        let needed = limited(1024).limit_for(clients).unwrap();
        assert_eq!(limited(needed).limit_for(clients), None);
        assert_eq!(limited(needed - 1).limit_for(clients), Some(needed));
    }
}
