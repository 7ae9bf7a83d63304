//! What the host inherits from the process that started it, and its runners must not.

use std::fs;
use std::io;
use std::os::fd::BorrowedFd;

use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};

/// Marks every descriptor except the standard streams as close-on-exec. A shell or a service manager may leave
/// descriptors without it, and each runner would hold a copy.
///
/// Call it at the start of the program.
pub(super) fn keep_descriptors() -> io::Result<()> {
    // The list itself is a descriptor, which is closed before the loop.
    let names: Vec<_> = fs::read_dir("/dev/fd")?.flatten().map(|entry| entry.file_name()).collect();
    for number in names.iter().filter_map(|name| name.to_str()?.parse::<i32>().ok()) {
        if number > 2 {
            #[expect(unsafe_code, reason = "an inherited descriptor is known only by its number")]
            // SAFETY: it was open a moment ago. If another thread has closed it since, the calls fail, or mark a
            // descriptor that Rust opens with this mark anyway.
            let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
            let _ =
                fcntl_getfd(descriptor).and_then(|flags| fcntl_setfd(descriptor, flags | FdFlags::CLOEXEC));
        }
    }
    Ok(())
}

/// Whether the starter of this process had it ignore SIGHUP, as `nohup` does. Always false where the system does not
/// tell, which is everywhere except Linux.
pub(super) fn ignores_hangup() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // The lowest bit stands for signal 1, which is SIGHUP.
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}
