use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;
use std::time::Duration;

/// How many lines may wait to be written. Further ones are lost.
const WAITING: usize = 1024;

/// How long the end of a program waits for its last lines to be written.
const PATIENCE: Duration = Duration::from_millis(250);

/// A writer that never keeps its caller waiting. A log that nobody reads, because its pipe is full or its disk is slow,
/// must not stop the host that writes it: what does not fit is lost, and how much that was is said in its place.
#[derive(Clone, Debug)]
pub(super) struct Unblocked {
    orders: SyncSender<Order>,
    lost: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Order {
    Write(Vec<u8>),
    /// Answer when all that came before is written.
    Answer(SyncSender<()>),
}

impl Unblocked {
    /// Starts the thread that waits instead. It ends with the last clone.
    pub(super) fn over(output: impl Write + Send + 'static) -> io::Result<Self> {
        let (orders, queue) = mpsc::sync_channel(WAITING);
        let lost = Arc::<AtomicU64>::default();
        let missing = Arc::clone(&lost);
        thread::Builder::new().name("fal-log".to_owned()).spawn(move || write(output, &queue, &missing))?;
        Ok(Self { orders, lost })
    }

    /// Waits until all that was logged so far is written, and not for long where nobody reads it.
    pub(super) fn finish(&self) {
        let (written, answer) = mpsc::sync_channel(1);
        if self.orders.try_send(Order::Answer(written)).is_ok() {
            // Late or not: the program ends.
            let _ = answer.recv_timeout(PATIENCE);
        }
    }
}

fn write(mut output: impl Write, queue: &Receiver<Order>, lost: &AtomicU64) {
    for order in queue {
        let missing = lost.swap(0, Ordering::Relaxed);
        // Who has closed the log does not want to read it.
        if missing > 0 {
            let _ = writeln!(
                output,
                "{missing} lines of the log are missing here: they came faster than they were read"
            );
        }
        let _ = match order {
            Order::Write(line) => output.write_all(&line),
            Order::Answer(written) => {
                let flushed = output.flush();
                let _ = written.try_send(());
                flushed
            }
        };
    }
}

impl Write for Unblocked {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.orders.try_send(Order::Write(line.to_owned())).is_err() {
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
    fn lines_are_written_in_their_order_and_all_of_them_by_the_end() {
        let (mut reader, writer) = io::pipe().unwrap();
        let mut log = Unblocked::over(writer).unwrap();
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
    fn what_nobody_reads_keeps_nobody_waiting_and_is_counted() {
        let (mut reader, writer) = io::pipe().unwrap();
        let mut log = Unblocked::over(writer).unwrap();
        let line = [b'x'; 8 * 1024];
        // More than a pipe and the queue hold.
        for _ in 0..2 * WAITING {
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
        assert!(reading.join().unwrap().contains("lines of the log are missing here"));
    }
}
