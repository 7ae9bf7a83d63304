//! Measures what can leak: memory, descriptors, zombies.

use std::fs;
use std::io;

/// Memory and descriptors of this process: the host's, and those of the clients.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Gauge {
    pub(crate) resident_kib: u64,
    pub(crate) descriptors: usize,
    pub(crate) threads: u64,
}

impl Gauge {
    pub(crate) fn read() -> io::Result<Self> {
        let status = fs::read_to_string("/proc/self/status")?;
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
        };
        Ok(Self {
            resident_kib: number("VmRSS:"),
            descriptors: fs::read_dir("/proc/self/fd")?.count(),
            threads: number("Threads:"),
        })
    }
}

/// The children of this process that have ended and have not been reaped.
pub(crate) fn zombies() -> io::Result<usize> {
    let own = std::process::id().to_string();
    let mut zombies = 0;
    for entry in fs::read_dir("/proc")? {
        let Ok(stat) = fs::read_to_string(entry?.path().join("stat")) else { continue };
        // After the name, which may have any character in it: the state and the parent.
        let mut fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        if fields.next() == Some("Z") && fields.next() == Some(&own) {
            zombies += 1;
        }
    }
    Ok(zombies)
}
