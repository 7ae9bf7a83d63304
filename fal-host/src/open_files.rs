//! How many files this process may have open, and how many clients that leaves room for.

use std::io;
use std::num::{NonZeroU32, NonZeroUsize};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::OnceLock;

#[cfg(target_os = "linux")]
use rustix::process::{Pid, prlimit};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The limit that this process was started with, where it has raised it.
static INHERITED: OnceLock<Rlimit> = OnceLock::new();

/// Raises this process's limit on open files as far as it may: the soft limit to the hard one. The soft limit is low for
/// the sake of old programs only, whose `select` knows no file beyond the 1,024th; so runners that are processes are
/// started with the limit from before, and so should be what else this process starts.
///
/// To be called before the host is started. The command lines of hosts do.
///
/// # Errors
///
/// Where the system refuses it.
pub fn raise_open_files() -> io::Result<()> {
    let inherited = getrlimit(Resource::Nofile);
    if inherited.current == inherited.maximum {
        return Ok(());
    }
    setrlimit(Resource::Nofile, Rlimit { current: inherited.maximum, ..inherited })?;
    // The first is what was inherited.
    let _ = INHERITED.set(inherited);
    Ok(())
}

/// Has a command's processes begin with the limit that this one was started with. They are forked then, which takes the
/// longer the more memory this process has.
pub(crate) fn restore_in(command: &mut Command) {
    let Some(&inherited) = INHERITED.get() else { return };
    // One that cannot have it back runs with the higher one.
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

/// Gives a process that has just begun the limit that this one was started with. That it may have seen the higher one
/// until then is no matter to a runner of ours.
#[cfg(target_os = "linux")]
pub(crate) fn restore_of(pid: u32) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    if let (Some(&inherited), Some(pid)) = (INHERITED.get(), pid) {
        // One that has ended needs none.
        let _ = prlimit(Some(pid), Resource::Nofile, inherited);
    }
}

/// What a host may have open, and what it needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenFiles {
    /// None: as many as there are.
    limit: Option<u64>,
    /// To check, replace and reach the runners with.
    reserved: u64,
}

impl OpenFiles {
    pub(crate) fn of(runners: NonZeroUsize, max_multiplexing: NonZeroU32) -> Self {
        Self::within(getrlimit(Resource::Nofile).current, runners, max_multiplexing)
    }

    fn within(limit: Option<u64>, runners: NonZeroUsize, max_multiplexing: NonZeroU32) -> Self {
        /// For listeners, runtimes and the log, and for what the embedder has open.
        const OWN: u64 = 64;
        /// Pipes, channels and the connection for checks.
        const RUNNER: u64 = 8;
        let runners = u64::try_from(runners.get()).unwrap_or(u64::MAX);
        // Each may have a successor beside it.
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

    /// The limit that would do for so many clients, where this one does not.
    pub(crate) fn too_few_for(self, clients: usize) -> Option<u64> {
        let needed = self.reserved.saturating_add(u64::try_from(clients).unwrap_or(u64::MAX));
        (self.clients() < clients).then_some(needed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of one runner with one slot.
    fn limited(limit: u64) -> OpenFiles {
        OpenFiles::within(Some(limit), NonZeroUsize::MIN, NonZeroU32::MIN)
    }

    #[test]
    fn what_runners_need_is_kept_from_clients() {
        assert_eq!(limited(1024).clients(), 942);
        assert_eq!(limited(80).clients(), 20, "a quarter at least");
        assert_eq!(limited(0).clients(), 1);
        let unlimited = OpenFiles::within(None, NonZeroUsize::MIN, NonZeroU32::MIN);
        assert_eq!((unlimited.clients(), unlimited.too_few_for(usize::MAX)), (usize::MAX, None));
    }

    #[test]
    fn a_limit_that_is_too_low_is_told_with_one_that_is_not() {
        let clients = 1024 + 1;
        let needed = limited(1024).too_few_for(clients).unwrap();
        assert_eq!(limited(needed).too_few_for(clients), None);
        assert_eq!(limited(needed - 1).too_few_for(clients), Some(needed));
    }
}
