//! Where standard output and standard error go, for messages about them.

use std::fmt;

/// A standard stream of this process. Its text has the file that it is, if it is one: `standard error (/var/log/app.log)`.
#[derive(Clone, Copy, Debug)]
pub(super) enum StandardStream {
    Output,
    Error,
}

impl fmt::Display for StandardStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, link) = match self {
            Self::Output => ("standard output", "/proc/self/fd/1"),
            Self::Error => ("standard error", "/proc/self/fd/2"),
        };
        f.write_str(name)?;
        // Where there is no such link, or it names a pipe or a socket, there is no path.
        match std::fs::read_link(link) {
            Ok(path) if path.is_absolute() => write!(f, " ({})", path.display()),
            _ => Ok(()),
        }
    }
}
