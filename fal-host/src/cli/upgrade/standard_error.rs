//! What the new program of an upgrade prints before it is a host: the old host reads it, and writes it to its own log (S93a, S93b).

use std::collections::VecDeque;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::unix::pipe;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::launch::{FIRST_INHERITED, Lines, UPGRADE_FROM};

/// The name of the standard error of the old host, among the inherited descriptors.
pub(in crate::cli) const STANDARD_ERROR: &str = "stderr";

/// How many of the last lines are kept, and how long each may be, in bytes.
const KEPT: usize = 5;
const MAX_LINE: usize = 256;

/// How long the last lines may take to arrive after the end of the program: a process that it leaves behind may keep the pipe open.
const LAST_LINES_TIMEOUT: Duration = Duration::from_millis(500);

/// Makes the standard error of the old host that of this process again, which is a pipe to the old host until then. To be called before
/// anything is written to standard error.
pub(in crate::cli) fn restore() -> io::Result<()> {
    if std::env::var_os(UPGRADE_FROM).is_none() {
        return Ok(());
    }
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let Some(position) = names.split(':').position(|name| name == STANDARD_ERROR) else { return Ok(()) };
    let number = FIRST_INHERITED.saturating_add(i32::try_from(position).unwrap_or(i32::MAX));
    #[expect(unsafe_code, reason = "an inherited descriptor is known only by its number")]
    // SAFETY: the old host has opened it for this process, and the call fails if it is not open.
    let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
    Ok(rustix::stdio::dup2_stderr(descriptor)?)
}

/// The lines that a new program has printed.
#[derive(Debug)]
pub(super) struct LastLines {
    last: Arc<Mutex<VecDeque<String>>>,
    reading: JoinHandle<()>,
}

/// The end of the pipe that is read here, and the one for the new program.
pub(super) fn pipe() -> io::Result<(OwnedFd, Stdio)> {
    let (reader, writer) = io::pipe()?;
    Ok((OwnedFd::from(reader), Stdio::from(writer)))
}

impl LastLines {
    /// Reads the lines of the process, and logs each.
    pub(super) fn read(pipe: OwnedFd, process: u32) -> io::Result<Self> {
        let mut lines = Lines::of(pipe::Receiver::from_owned_fd(pipe)?);
        let last = Arc::<Mutex<VecDeque<String>>>::default();
        let kept = Arc::clone(&last);
        let reading = tokio::spawn(async move {
            while let Some(line) = lines.next().await {
                tracing::warn!(process, "the new program has printed: {line}");
                let line = line.trim();
                if line.is_empty() {
                    continue;
                }
                let beginning = line.get(..line.floor_char_boundary(MAX_LINE)).unwrap_or(line);
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                if kept.len() == KEPT {
                    kept.pop_front();
                }
                kept.push_back(beginning.to_owned());
            }
        });
        Ok(Self { last, reading })
    }

    /// The last lines of a program that has ended. `None`: it has printed nothing here.
    pub(super) async fn last(&mut self) -> Option<String> {
        // A task that has ended is not to be awaited again.
        if !self.reading.is_finished() {
            let _ = timeout(LAST_LINES_TIMEOUT, &mut self.reading).await;
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let last: Vec<_> = last.make_contiguous().to_vec();
        (!last.is_empty()).then(|| last.join(" | "))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[tokio::test]
    async fn blank_lines_evict_no_kept_line_s93a() {
        let (reader, mut writer) = io::pipe().unwrap();
        writer.write_all(b"0\n1\n2\n3\n4\n5\n\n \n\n\n\n\n").unwrap();
        drop(writer);
        let mut lines = LastLines::read(OwnedFd::from(reader), 7).unwrap();
        assert_eq!(lines.last().await.as_deref(), Some("1 | 2 | 3 | 4 | 5"));
    }
}
