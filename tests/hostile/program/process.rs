//! What a process can do to itself: crash, hang, fork, delete its sockets, flood its log.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::sync::atomic::Ordering;
use std::thread;

use rustix::process::{
    Resource, Rlimit, Signal, getpid, kill_current_process_group, kill_process, setrlimit,
};

use crate::Runner;
use crate::fault::Deed;

/// Processes that a request has started.
pub(crate) type Children = Vec<u32>;

/// How many bytes a leak takes.
const LEAK: usize = 256 * 1024 * 1024;

/// How many a storm has.
const STORM: usize = 40;

/// Ends the whole group with the host, as every runner should.
pub(crate) fn end_with(mut channel: UnixStream) -> io::Result<()> {
    thread::Builder::new().spawn(move || {
        let _ = channel.read_to_end(&mut Vec::new());
        let _ = kill_current_process_group(Signal::KILL);
    })?;
    Ok(())
}

/// What has to be started before the answer.
pub(crate) fn start_children(deed: Deed) -> io::Result<Children> {
    let count = if deed == Deed::Fork { STORM } else { 0 };
    let start = |_| Ok(Command::new("sh").args(["-c", "trap '' TERM; exec sleep 3600"]).spawn()?.id());
    (0..count).map(start).collect()
}

/// What is done after the answer.
pub(crate) fn perform(runner: &Runner, deed: Deed) -> io::Result<()> {
    match deed {
        Deed::Exit => std::process::exit(9),
        Deed::Stop => kill_process(getpid(), Signal::STOP)?,
        Deed::Leak => std::mem::forget(vec![1_u8; LEAK]),
        Deed::Deadlock => runner.deadlocked.store(true, Ordering::Relaxed),
        Deed::IgnoreTerm => runner.ignores_term.store(true, Ordering::Relaxed),
        Deed::FloodTheLog => {
            thread::Builder::new().spawn(|| {
                loop {
                    if writeln!(io::stdout(), "and another line, without end").is_err() {
                        return;
                    }
                }
            })?;
        }
        Deed::PrintBinary => {
            let every: Vec<u8> = (0..=u8::MAX).filter(|byte| *byte != b'\n').collect();
            thread::Builder::new().spawn(move || {
                for _ in 0..1024 {
                    // An error here has no reader.
                    let _ = io::stderr().write_all(&every);
                }
            })?;
        }
        Deed::ExhaustMemory => exhaust_memory()?,
        Deed::Fork => {}
        Deed::DeleteSockets => {
            std::fs::remove_file(&runner.requests)?;
            std::fs::remove_file(&runner.checks)?;
            // Fresh connections are needed from now on.
            runner.closing.store(true, Ordering::Relaxed);
        }
    }
    Ok(())
}

/// As `ulimit -v` has it, so that the allocator is refused and the machine is not.
fn exhaust_memory() -> io::Result<()> {
    const ENOUGH: u64 = 1 << 30;
    setrlimit(Resource::As, Rlimit { current: Some(ENOUGH), maximum: Some(ENOUGH) })?;
    let mut hoard: Vec<Vec<u8>> = Vec::new();
    loop {
        hoard.push(Vec::with_capacity(1 << 24));
    }
}

/// Opens files until there is no descriptor left, and sees to it that there will be none.
pub(crate) fn leak_descriptors() -> io::Result<()> {
    setrlimit(Resource::Nofile, Rlimit { current: Some(64), maximum: Some(64) })?;
    while let Ok(file) = File::open("/dev/null") {
        std::mem::forget(file);
    }
    // Connections that close meanwhile give theirs back.
    Ok(setrlimit(Resource::Nofile, Rlimit { current: Some(0), maximum: Some(0) })?)
}
