//! A log writer that never blocks its caller.

use std::fmt::Display;
use std::io::{self, Write};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;
use std::time::Duration;

use crate::log_loss::{LogLoss, LostLines};
use crate::threads;

/// How many lines can wait to be written. Further lines are lost.
const CAPACITY: usize = 1024;

/// How long a program waits at its end for the last lines to be written.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(250);

/// Why a line is lost that the queue has no room for.
const TOO_SLOW: &str = "the reader of the log is too slow";

/// A non-blocking, lossy writer. A full pipe, a full disk or a slow one must not stop the host that logs to it: lines that do
/// not fit are lost, and a line in the log says how many, and why.
#[derive(Clone, Debug)]
pub(super) struct NonBlockingWriter {
    messages: SyncSender<Message>,
    loss: &'static LogLoss,
}

/// A message to the thread that writes.
#[derive(Debug)]
enum Message {
    Line(Vec<u8>),
    /// Flush, then reply.
    Flush(SyncSender<()>),
}

impl NonBlockingWriter {
    /// Starts the thread that writes to `output`, which messages call `name`. It ends with the last clone of the writer. `notice`
    /// makes a line of the log of a text about lost lines.
    pub(super) fn new(
        output: impl Write + Send + 'static,
        name: impl Display + Send + 'static,
        notice: fn(&str) -> String,
        loss: &'static LogLoss,
    ) -> io::Result<Self> {
        let (messages, queue) = mpsc::sync_channel(CAPACITY);
        let mut lines = LineWriter { output, name, notice, loss, is_torn: false };
        let thread = thread::Builder::new().name("fal-log".to_owned());
        threads::spawn(thread, move || lines.run(&queue))?;
        Ok(Self { messages, loss })
    }

    /// Blocks until the lines so far are written, at most for `FLUSH_TIMEOUT`.
    pub(super) fn finish(&self) {
        let (reply, flushed) = mpsc::sync_channel(1);
        if self.messages.try_send(Message::Flush(reply)).is_ok() {
            // The program ends in either case.
            let _ = flushed.recv_timeout(FLUSH_TIMEOUT);
        }
    }
}

/// Writes lines to a file that may refuse them, as a full disk does.
#[derive(Debug)]
struct LineWriter<W, N> {
    output: W,
    name: N,
    notice: fn(&str) -> String,
    loss: &'static LogLoss,
    /// Whether the last line was written in part.
    is_torn: bool,
}

impl<W: Write, N: Display> LineWriter<W, N> {
    fn run(&mut self, queue: &Receiver<Message>) {
        for message in queue {
            match message {
                Message::Line(line) => {
                    if let Err(error) = self.write(&line) {
                        self.loss.add(format!("{}: {error}", self.name));
                    }
                }
                Message::Flush(reply) => {
                    // The lines that could not be written are counted.
                    let _ = self.output.flush();
                    let _ = reply.try_send(());
                }
            }
        }
    }

    /// Writes a line, after a notice of those before it that were lost.
    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        if let Some(lost) = self.loss.untold() {
            let LostLines { lines, cause, .. } = &lost;
            let text = format!("{lines} log lines are missing here: they could not be written: {cause}");
            let notice = (self.notice)(&text);
            let torn = if self.is_torn { "\n" } else { "" };
            self.try_write(format!("{torn}{notice}").as_bytes())?;
            self.loss.told(&lost);
        }
        self.try_write(line)
    }

    fn try_write(&mut self, mut rest: &[u8]) -> io::Result<()> {
        while !rest.is_empty() {
            match self.output.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    rest = rest.get(written..).unwrap_or_default();
                    self.is_torn = !rest.is_empty();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Write for NonBlockingWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.messages.try_send(Message::Line(line.to_owned())).is_err() {
            self.loss.add(TOO_SLOW);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::cli::captured::Captured;

    fn loss() -> &'static LogLoss {
        Box::leak(Box::new(LogLoss::new()))
    }

    fn notice(text: &str) -> String {
        format!("! {text}\n")
    }

    /// A disk with room for so many bytes.
    #[derive(Clone, Default)]
    struct Disk {
        written: Captured,
        free: Arc<AtomicU64>,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let free = usize::try_from(self.free.load(Ordering::Relaxed)).unwrap().min(bytes.len());
            if free == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.free.fetch_sub(free as u64, Ordering::Relaxed);
            self.written.write(&bytes[..free])
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_a_full_disk_refuses_are_counted_and_told_when_there_is_room_s83h_s117a() {
        let disk = Disk::default();
        disk.free.store(6, Ordering::Relaxed);
        let loss = loss();
        let mut log = NonBlockingWriter::new(disk.clone(), "the disk", notice, loss).unwrap();
        let mut log_line = |line: &str| {
            log.write_all(line.as_bytes()).unwrap();
            log.finish();
        };
        for line in ["one\n", "two\n", "three\n"] {
            log_line(line);
        }
        assert_eq!(disk.written.text(), "one\ntw");
        let untold = loss.untold().unwrap();
        assert_eq!((untold.lines, untold.cause.as_str()), (2, "the disk: no storage space"));
        disk.free.store(1_000, Ordering::Relaxed);
        log_line("four\n");
        log_line("five\n");
        let told = "! 2 log lines are missing here: they could not be written: the disk: no storage space\n";
        assert_eq!(disk.written.text(), format!("one\ntw\n{told}four\nfive\n"));
        assert_eq!((loss.untold(), loss.total()), (None, 2));
    }

    #[test]
    fn lines_that_are_written_in_order_are_not_counted_as_lost_s117() {
        let (mut reader, writer) = io::pipe().unwrap();
        let loss = loss();
        let mut log = NonBlockingWriter::new(writer, "the pipe", notice, loss).unwrap();
        for line in ["one\n", "two\n", "three\n"] {
            log.write_all(line.as_bytes()).unwrap();
        }
        log.finish();
        drop(log);
        let mut written = String::new();
        reader.read_to_string(&mut written).unwrap();
        assert_eq!((&*written, loss.total()), ("one\ntwo\nthree\n", 0));
    }

    #[test]
    fn a_log_without_a_reader_never_blocks_and_counts_lost_lines() {
        let (mut reader, writer) = io::pipe().unwrap();
        let loss = loss();
        let mut log = NonBlockingWriter::new(writer, "the pipe", notice, loss).unwrap();
        let line = [b'x'; 8 * 1024];
        // More than a pipe and the queue hold.
        for _ in 0..2 * CAPACITY {
            log.write_all(&line).unwrap();
        }
        log.finish();
        let untold = loss.untold().unwrap();
        assert!(untold.lines > 0 && untold.cause == TOO_SLOW, "{untold:?}");
        let reading = thread::spawn(move || {
            let mut written = Vec::new();
            reader.read_to_end(&mut written).unwrap();
            String::from_utf8(written).unwrap()
        });
        drop(log);
        assert!(reading.join().unwrap().contains("log lines are missing here"));
    }
}
