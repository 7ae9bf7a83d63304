//! Starting child processes inside a cgroup.
//!
//! To move a process into a cgroup, the kernel waits for an RCU grace period, about 12 ms, and delays every fork of the
//! system meanwhile. A process that is cloned into a cgroup needs no move. [`Command`] cannot clone so. Therefore its
//! child clones itself before exec: the clone is the runner, with the host as its parent, and the first child ends.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use rustix::fs::{Mode, OFlags};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, WaitOptions, getpid};

/// Not a file descriptor.
const NONE: i32 = -1;

/// Starts the child processes of one command inside cgroups.
#[derive(Debug)]
pub(super) struct CgroupEntry(Arc<Descriptors>);

/// What a child process finds open between fork and exec.
#[derive(Debug)]
struct Descriptors {
    /// The directory of its cgroup.
    group: AtomicI32,
    /// Where the process that becomes the runner writes its id.
    report: AtomicI32,
}

impl CgroupEntry {
    /// Must be called after everything else that the command does before exec: what it does before a clone holds for the
    /// clone, too.
    pub(super) fn of(command: &mut Command) -> Self {
        let descriptors = Arc::new(Descriptors { group: AtomicI32::new(NONE), report: AtomicI32::new(NONE) });
        let open = Arc::clone(&descriptors);
        #[expect(unsafe_code, reason = "a process can be cloned only between fork and exec")]
        // SAFETY: the closure makes system calls only. It does not allocate or lock.
        unsafe {
            command.pre_exec(move || open.enter());
        }
        Self(descriptors)
    }

    /// Starts the command inside this cgroup, given by its directory. A runner that cannot enter runs without a cgroup.
    pub(super) fn spawn(&self, command: &mut Command, group: &File) -> io::Result<Pid> {
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC)?;
        self.0.group.store(group.as_raw_fd(), Ordering::Relaxed);
        self.0.report.store(writer.as_raw_fd(), Ordering::Relaxed);
        let spawned = command.spawn();
        self.0.group.store(NONE, Ordering::Relaxed);
        self.0.report.store(NONE, Ordering::Relaxed);
        drop(writer);
        let runner = reported(&reader);
        match (spawned, runner) {
            (Ok(mut first), Some(runner)) => {
                if pid_of(&first) != Some(runner) {
                    // It has ended: it held the other end of the pipe that `spawn` has read to its end.
                    let _ = first.wait();
                }
                Ok(runner)
            }
            (Ok(first), None) => pid_of(&first).ok_or_else(|| io::ErrorKind::Other.into()),
            (Err(error), runner) => {
                // The command could not be executed. `spawn` has reaped the first child only.
                let _ = runner.map(|runner| rustix::process::waitpid(Some(runner), WaitOptions::empty()));
                Err(error)
            }
        }
    }
}

/// The id that a child process has reported.
fn reported(reader: &OwnedFd) -> Option<Pid> {
    let mut pid = [0; 4];
    let length = rustix::io::read(reader, &mut pid).ok()?;
    (length == pid.len()).then(|| Pid::from_raw(i32::from_ne_bytes(pid))).flatten()
}

/// The id of a child process.
pub(super) fn pid_of(child: &std::process::Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

impl Descriptors {
    /// Enters the cgroup, in the child process. Returns in the process that becomes the runner.
    fn enter(&self) -> io::Result<()> {
        let (group, report) = (self.group.load(Ordering::Relaxed), self.report.load(Ordering::Relaxed));
        if group == NONE || report == NONE {
            return Ok(());
        }
        #[expect(unsafe_code, reason = "between fork and exec only the numbers are available")]
        // SAFETY: the parent keeps both open until `spawn` returns, which is after exec.
        let (group, report) = unsafe { (BorrowedFd::borrow_raw(group), BorrowedFd::borrow_raw(report)) };
        if !become_clone_in(group)? {
            let procs = rustix::fs::openat(group, c"cgroup.procs", OFlags::WRONLY, Mode::empty());
            // 0 means the process that writes it.
            let _ = procs.and_then(|procs| rustix::io::write(procs, b"0"));
        }
        rustix::io::write(report, &getpid().as_raw_nonzero().get().to_ne_bytes())?;
        Ok(())
    }
}

/// Continues in a clone of this process inside the cgroup, and ends this process. Returns `false`, in this process, where
/// the system has no such call or does not allow it.
///
/// The clone has the same parent as this process. It leads a process group of its own, and has this process's signal for
/// the death of the parent, which a clone does not inherit.
#[cfg(target_os = "linux")]
fn become_clone_in(group: BorrowedFd<'_>) -> io::Result<bool> {
    use rustix::process::{getppid, parent_process_death_signal, set_parent_process_death_signal, setpgid};

    /// The arguments of `clone3`, see clone(2).
    #[repr(C)]
    #[derive(Default)]
    struct CloneArguments {
        flags: u64,
        pidfd: u64,
        child_tid: u64,
        parent_tid: u64,
        exit_signal: u64,
        stack: u64,
        stack_size: u64,
        tls: u64,
        set_tid: u64,
        set_tid_size: u64,
        cgroup: u64,
    }

    const CLONE_PARENT: u64 = 0x8000;
    const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

    let (parent, death_signal) = (getppid(), parent_process_death_signal()?);
    let Ok(cgroup) = u64::try_from(group.as_raw_fd()) else { return Ok(false) };
    let arguments =
        CloneArguments { flags: CLONE_PARENT | CLONE_INTO_CGROUP, cgroup, ..CloneArguments::default() };
    #[expect(unsafe_code, reason = "neither the standard library nor rustix has this system call")]
    // SAFETY: without CLONE_VM the clone has a copy of this process's memory and continues here. This process has one
    // thread, after a fork of the C library, so no lock is held in the copy.
    let cloned =
        unsafe { libc::syscall(libc::SYS_clone3, &raw const arguments, size_of::<CloneArguments>()) };
    match cloned {
        ..0 => Ok(false),
        0 => {
            setpgid(None, None)?;
            if death_signal.is_some() {
                set_parent_process_death_signal(death_signal)?;
                // The host may have ended before the signal was set.
                if getppid() != parent {
                    return Err(io::ErrorKind::NotConnected.into());
                }
            }
            Ok(true)
        }
        1.. => {
            #[expect(unsafe_code, reason = "the standard library runs what the host does at its own exit")]
            // SAFETY: it ends this process and does nothing else.
            unsafe {
                libc::_exit(0)
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn become_clone_in(_: BorrowedFd<'_>) -> io::Result<bool> {
    Ok(false)
}
