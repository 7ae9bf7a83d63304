//! The limit on open files: raises it, restores it for runners, and derives how many clients may connect.

use std::io;
use std::num::{NonZeroU32, NonZeroUsize};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::OnceLock;
use std::thread;

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

/// How many connections one listener of the admin interface, of the probes or of operators has at most.
pub(crate) const INTERFACE_CONNECTIONS: usize = 32;

/// The admin interface, the probes and the control socket.
const INTERFACES: usize = 3;

/// The runtimes that serve no clients: of the control thread, the admin thread, the hook, and the exporter of spans.
const OTHER_RUNTIMES: usize = 4;

/// The descriptors of a runtime: two for its reactor, one that wakes it, and one that tells it of signals.
const RUNTIME: usize = 4;

/// For listeners and their duplicates, the log, files that are read for a moment, and the files of the embedding program.
const REST: usize = 64;

/// For the pipes, the channel and the check connection of one runner.
const RUNNER: usize = 8;

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
        // Each core has a thread that serves clients.
        let cores = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self::within(getrlimit(Resource::Nofile).current, cores, runners, max_multiplexing)
    }

    fn within(
        limit: Option<u64>,
        cores: NonZeroUsize,
        runners: NonZeroUsize,
        max_multiplexing: NonZeroU32,
    ) -> Self {
        let runtimes = cores.get().saturating_add(OTHER_RUNTIMES).saturating_mul(RUNTIME);
        let own = runtimes.saturating_add(INTERFACES * INTERFACE_CONNECTIONS + REST);
        let permits = usize::try_from(max_multiplexing.get()).unwrap_or(usize::MAX);
        // Each runner may have a successor at the same time.
        let reserved = runners
            .get()
            .saturating_mul(2)
            .saturating_mul(permits.saturating_add(RUNNER))
            .saturating_add(own);
        Self { limit, reserved: u64::try_from(reserved).unwrap_or(u64::MAX) }
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

    /// The limit of a host of one runner with one permit, on a machine with two cores.
    fn limited(limit: impl Into<Option<u64>>) -> OpenFiles {
        let cores = NonZeroUsize::new(2).unwrap();
        OpenFiles::within(limit.into(), cores, NonZeroUsize::MIN, NonZeroU32::MIN)
    }

    #[test]
    fn files_that_runners_need_are_reserved() {
        assert_eq!(limited(1024).clients(), 822);
        assert_eq!(limited(80).clients(), 20, "a quarter at least");
        assert_eq!(limited(0).clients(), 1);
        let unlimited = limited(None);
        assert_eq!((unlimited.clients(), unlimited.limit_for(usize::MAX)), (usize::MAX, None));
    }

    #[test]
    fn every_connection_to_an_interface_and_every_core_has_files_that_are_reserved() {
        let reserved = |cores, runners, permits| {
            let (cores, runners) = (NonZeroUsize::new(cores).unwrap(), NonZeroUsize::new(runners).unwrap());
            OpenFiles::within(None, cores, runners, NonZeroU32::new(permits).unwrap()).reserved
        };
        let small = reserved(1, 1, 1);
        let connections = u64::try_from(INTERFACES * INTERFACE_CONNECTIONS).unwrap();
        assert!(small > connections + 2 * (8 + 1) + 5 * 4, "{small}");
        assert_eq!(reserved(64, 1, 1) - small, 63 * 4);
        assert_eq!(reserved(1, 3, 5) - small, 2 * 3 * (8 + 5) - 2 * (8 + 1));
        assert_eq!(reserved(usize::MAX, usize::MAX, u32::MAX), u64::MAX);
    }

    /// Whether this process counts its descriptors, and does nothing else meanwhile.
    const COUNTS: &str = "FAL_TEST_COUNTS";

    #[test]
    #[cfg(target_os = "linux")]
    fn a_runtime_has_no_more_descriptors_than_are_reserved_for_it() {
        let name = "open_files::tests::a_runtime_has_no_more_descriptors_than_are_reserved_for_it";
        if std::env::var_os(COUNTS).is_none() {
            let mut alone = Command::new(std::env::current_exe().unwrap());
            alone.args(["--exact", name, "--test-threads=1"]).env(COUNTS, "");
            let told = alone.output().unwrap();
            let text = String::from_utf8_lossy(&told.stdout);
            // Without a test of this name it succeeds, too.
            assert!(told.status.success() && text.contains("1 passed"), "{text}");
            return;
        }
        let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        // The first one opens what all of them share.
        let _first = runtime();
        let before = open();
        let _others = [runtime(), runtime()];
        let opened = open() - before;
        assert!(opened <= 2 * RUNTIME, "{opened}");
    }

    #[test]
    fn a_limit_that_is_too_low_comes_with_one_that_is_high_enough() {
        let clients = 1024 + 1;
        let needed = limited(1024).limit_for(clients).unwrap();
        assert_eq!(limited(needed).limit_for(clients), None);
        assert_eq!(limited(needed - 1).limit_for(clients), Some(needed));
    }
}
