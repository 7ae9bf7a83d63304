//! Which thread serves a client.

use std::io;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::thread::{Thread, ThreadIndex, ThreadWriter};
use super::writer::Writer;

/// The runtimes whose threads serve clients.
///
/// A client stays on one thread, and so does everything of its requests. So the threads share no queue of tasks, and a runner's
/// response wakes the thread that awaits it and no other.
#[derive(Debug)]
pub(super) struct ClientThreads {
    threads: Vec<ClientThread>,
    _writers: JoinSet<()>,
}

#[derive(Debug)]
struct ClientThread {
    runtime: Handle,
    writer: Arc<dyn ThreadWriter>,
    clients: usize,
}

impl ClientThreads {
    /// The current runtime, and these.
    pub(super) fn new(others: &[Handle]) -> Self {
        let mut writers = JoinSet::new();
        let runtimes = std::iter::once(Handle::current()).chain(others.iter().cloned());
        let threads = runtimes.map(|runtime| {
            let writer = Writer::start(&mut writers, &runtime);
            ClientThread { runtime, writer, clients: 0 }
        });
        Self { threads: threads.collect(), _writers: writers }
    }

    /// Chooses the thread with the fewest clients for one that was accepted by the current runtime. The first thread, which also
    /// accepts them, is the last choice. `None`: the system has not registered its connection, which is closed.
    pub(super) fn assign(&mut self, stream: TcpStream) -> Option<(Thread, Handle, TcpStream)> {
        let threads = self.threads.iter_mut().enumerate().rev();
        let (index, thread) = threads.min_by_key(|(_, thread)| thread.clients)?;
        let runtime = thread.runtime.clone();
        let stream = if index == 0 { Ok(stream) } else { move_to(&runtime, stream) };
        let stream = stream.inspect_err(
            |error| tracing::debug!(%error, "cannot register a client's connection: it is closed"),
        );
        let stream = stream.ok()?;
        thread.clients += 1;
        let thread = Thread { index: ThreadIndex(index), writer: Arc::clone(&thread.writer) };
        Some((thread, runtime, stream))
    }

    /// A client of the thread has ended.
    pub(super) fn release(&mut self, ThreadIndex(index): ThreadIndex) {
        if let Some(thread) = self.threads.get_mut(index) {
            thread.clients -= 1;
        }
    }
}

/// Registers a connection with another runtime.
fn move_to(runtime: &Handle, stream: TcpStream) -> io::Result<TcpStream> {
    let stream = stream.into_std()?;
    let _entered = runtime.enter();
    TcpStream::from_std(stream)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;
    use tokio::runtime::Builder;

    use super::*;
    use crate::serving_threads::ServingThreads;

    #[tokio::test]
    async fn a_client_gets_the_thread_with_the_fewest_clients_s105a() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving =
            ServingThreads::start(1, || Builder::new_current_thread().enable_all().build()).unwrap();
        let mut threads = ClientThreads::new(serving.runtimes());
        let mut assigned = Vec::new();
        for _ in 0..4 {
            assigned.push(threads.assign(TcpStream::connect(address).await.unwrap()).unwrap());
        }
        let indices: Vec<_> = assigned.iter().map(|(thread, ..)| thread.index.0).collect();
        assert_eq!(indices, [1, 0, 1, 0]);
        let (left, ..) = assigned.remove(1);
        threads.release(left.index);
        assert_eq!(
            threads.assign(TcpStream::connect(address).await.unwrap()).unwrap().0.index,
            ThreadIndex(0)
        );
    }
}
