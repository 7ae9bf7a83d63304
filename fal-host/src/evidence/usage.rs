//! What a runner's process uses, as the system shows it while it lives.

use std::fs;
use std::time::Duration;

use serde::Serialize;

use crate::json::optional_seconds;

/// What a runner's own process uses. Without the processes that it started. A value is `None` where the system does not
/// show it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Usage {
    /// The resident memory, in bytes.
    #[serde(rename = "memory_bytes", skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// The highest resident memory so far, in bytes.
    #[serde(rename = "peak_memory_bytes", skip_serializing_if = "Option::is_none")]
    pub peak_memory: Option<u64>,
    /// The processor time so far. JSON has seconds.
    #[serde(
        rename = "cpu_seconds",
        serialize_with = "optional_seconds",
        skip_serializing_if = "Option::is_none"
    )]
    pub cpu_time: Option<Duration>,
    /// How many files and connections it has open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_files: Option<usize>,
}

impl Usage {
    /// Reads what a process uses. Blocks for some microseconds.
    pub(crate) fn of(pid: u32) -> Self {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        Self {
            memory: bytes_of(&status, "VmRSS:"),
            peak_memory: bytes_of(&status, "VmHWM:"),
            cpu_time: cpu_time_of(&stat),
            open_files: fs::read_dir(format!("/proc/{pid}/fd")).ok().map(Iterator::count),
        }
    }
}

/// The value of a line of `/proc/PID/status`, which is in KiB.
pub(crate) fn bytes_of(status: &str, name: &str) -> Option<u64> {
    let kibibytes = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = kibibytes.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1_024)
}

/// The time in user mode and in the kernel, of `/proc/PID/stat`.
fn cpu_time_of(stat: &str) -> Option<Duration> {
    // The second field is the name, which may have spaces and parentheses.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    let per_second = rustix::param::clock_ticks_per_second().max(1);
    Some(Duration::from_millis((user + system).saturating_mul(1_000) / per_second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usage_of_a_process_is_read_s85b() {
        let usage = Usage::of(std::process::id());
        assert!(usage.memory.unwrap() > 0 && usage.peak_memory >= usage.memory, "{usage:?}");
        assert!(usage.open_files.unwrap() >= 3 && usage.cpu_time.is_some(), "{usage:?}");
    }

    #[test]
    fn a_name_with_spaces_and_parentheses_does_not_shift_the_times_s85b() {
        let fields = "S 1 2 3 4 5 6 7 8 9 10 300 200 0 0";
        let expected = Duration::from_millis(500_000 / rustix::param::clock_ticks_per_second());
        assert_eq!(cpu_time_of(&format!("7 (a) b (c) {fields}")), Some(expected));
        assert_eq!(cpu_time_of(""), None);
    }

    #[test]
    fn a_process_that_has_ended_uses_nothing_s85b() {
        assert_eq!(Usage::of(u32::MAX >> 1), Usage::default());
    }
}
