//! The signal mask and the signal dispositions with which runners start.

use std::io;
use std::mem::MaybeUninit;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::ptr;

/// The signals that a process can block or ignore, without the highest real-time ones that no system names.
const SIGNALS: std::ops::RangeInclusive<libc::c_int> = 1..=64;

/// Makes the processes of a command start with no blocked signal and with the default action of every signal (S60a). What a program
/// does with SIGPIPE is set by the standard library.
///
/// Without this, a runner would inherit what the host's starter has blocked or ignored, such as SIGTERM. Call it on the
/// thread that starts the processes. If there is nothing to reset, it does nothing: processes that need a step between
/// fork and exec start more slowly.
pub(super) fn reset_in(command: &mut Command) {
    let ignored: Vec<_> = SIGNALS.filter(|signal| *signal != libc::SIGPIPE && is_ignored(*signal)).collect();
    if ignored.is_empty() && !blocks_any() {
        return;
    }
    #[expect(unsafe_code, reason = "nothing else runs between fork and exec")]
    // SAFETY: the closure makes system calls. It does not allocate or lock.
    unsafe {
        command.pre_exec(move || {
            for signal in &ignored {
                libc::signal(*signal, libc::SIG_DFL);
            }
            let mut none = MaybeUninit::uninit();
            libc::sigemptyset(none.as_mut_ptr());
            match libc::pthread_sigmask(libc::SIG_SETMASK, none.as_ptr(), ptr::null_mut()) {
                0 => Ok(()),
                error => Err(io::Error::from_raw_os_error(error)),
            }
        });
    }
}

fn is_ignored(signal: libc::c_int) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::uninit();
    #[expect(unsafe_code, reason = "no safe function reads a disposition")]
    // SAFETY: the call writes a disposition to `action`, or fails. It changes none.
    unsafe {
        libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) == 0
            && action.assume_init().sa_sigaction == libc::SIG_IGN
    }
}

/// Whether this thread blocks a signal.
fn blocks_any() -> bool {
    let mut mask = MaybeUninit::uninit();
    #[expect(unsafe_code, reason = "no safe function reads the signal mask")]
    // SAFETY: the call writes the mask to `mask`, or fails. It does not change it.
    unsafe {
        libc::pthread_sigmask(libc::SIG_BLOCK, ptr::null(), mask.as_mut_ptr()) == 0
            && SIGNALS.into_iter().any(|signal| libc::sigismember(mask.as_ptr(), signal) == 1)
    }
}
