//! A log writer that never blocks its caller.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;
use std::time::Duration;

/// How many lines can wait to be written. Further lines are lost.
const CAPACITY: usize = 1024;

/// How long a program waits at its end for the last lines to be written.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(250);

/// A non-blocking, lossy writer. A full pipe or a slow disk must not stop the host that logs to it: lines that do not fit
/// are lost, and a line in the log says how many.
#[derive(Clone, Debug)]
pub(super) struct NonBlockingWriter {
    messages: SyncSender<Message>,
    lost: Arc<AtomicU64>,
}

/// A message to the thread that writes.
#[derive(Debug)]
enum Message {
    Line(Vec<u8>),
    /// Flush, then reply.
    Flush(SyncSender<()>),
}

impl NonBlockingWriter {
    /// Starts the thread that writes to `output`. It ends with the last clone of the writer.
    pub(super) fn new(output: impl Write + Send + 'static) -> io::Result<Self> {
        let (messages, queue) = mpsc::sync_channel(CAPACITY);
        let lost = Arc::<AtomicU64>::default();
        let thread_lost = Arc::clone(&lost);
        thread::Builder::new()
            .name("fal-log".to_owned())
            .spawn(move || write(output, &queue, &thread_lost))?;
        Ok(Self { messages, lost })
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

fn write(mut output: impl Write, queue: &Receiver<Message>, lost: &AtomicU64) {
    for message in queue {
        let lost = lost.swap(0, Ordering::Relaxed);
        // Errors are ignored: a log that is closed has no reader.
        if lost > 0 {
            let _ = writeln!(output, "{lost} log lines are missing here: the reader of the log was too slow");
        }
        let _ = match message {
            Message::Line(line) => output.write_all(&line),
            Message::Flush(reply) => {
                let flushed = output.flush();
                let _ = reply.try_send(());
                flushed
            }
        };
    }
}

impl Write for NonBlockingWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.messages.try_send(Message::Line(line.to_owned())).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
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

    use super::*;

    #[test]
    fn all_lines_are_written_in_order() {
        let (mut reader, writer) = io::pipe().unwrap();
        let mut log = NonBlockingWriter::new(writer).unwrap();
        for line in ["one\n", "two\n", "three\n"] {
            log.write_all(line.as_bytes()).unwrap();
        }
        log.finish();
        drop(log);
        let mut written = String::new();
        reader.read_to_string(&mut written).unwrap();
        assert_eq!(written, "one\ntwo\nthree\n");
    }

    #[test]
    fn a_log_without_a_reader_never_blocks_and_counts_lost_lines() {
        let (mut reader, writer) = io::pipe().unwrap();
        let mut log = NonBlockingWriter::new(writer).unwrap();
        let line = [b'x'; 8 * 1024];
        // More than a pipe and the queue hold.
        for _ in 0..2 * CAPACITY {
            log.write_all(&line).unwrap();
        }
        log.finish();
        let lost = log.lost.load(Ordering::Relaxed);
        assert!(lost > 0);
        let reading = thread::spawn(move || {
            let mut written = Vec::new();
            reader.read_to_end(&mut written).unwrap();
            String::from_utf8(written).unwrap()
        });
        drop(log);
        assert!(reading.join().unwrap().contains("log lines are missing here"));
    }
}
