//! What the kernel reports about the end of a process.

use std::time::Duration;

use super::oom::OomEvidence;

/// What the kernel reports about the end of a runner's process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct EndEvidence {
    /// Whether the kernel has written a core dump.
    pub(crate) core_dumped: bool,
    /// How the host knows that the kernel killed it because memory ran out.
    pub(crate) oom_killed: Option<OomEvidence>,
    /// The highest resident memory of the process, or of a process that it waited for, in bytes.
    pub(crate) peak_memory: Option<u64>,
    /// The processor time of the process and of those that it waited for.
    pub(crate) cpu_time: Option<Duration>,
}

impl EndEvidence {
    /// What a process used that was reaped.
    pub(crate) fn of(usage: &libc::rusage) -> Self {
        // Linux has KiB, and macOS bytes.
        let unit = if cfg!(target_os = "macos") { 1 } else { 1_024 };
        let time = |time: libc::timeval| {
            let (seconds, micros) = (u64::try_from(time.tv_sec).ok()?, u64::try_from(time.tv_usec).ok()?);
            Some(Duration::from_secs(seconds) + Duration::from_micros(micros))
        };
        Self {
            peak_memory: u64::try_from(usage.ru_maxrss).ok().and_then(|peak| peak.checked_mul(unit)),
            cpu_time: time(usage.ru_utime).zip(time(usage.ru_stime)).map(|(user, system)| user + system),
            ..Self::default()
        }
    }
}
