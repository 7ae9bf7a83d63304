//! What a host makes of frames of HTTP/2. A real host forwards the requests in them over real sockets.
//!
//! An input is a program that writes frames: valid ones, almost valid ones and garbage, in pieces of any size. No input may cause a
//! panic, take a permit or much memory, cause a check or count as a request that the runner has lost. What reaches the runner must be
//! valid requests. [`wire`] says what the bytes of an input mean.

#![no_main]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fal_host::{AppSpec, HealthCheck, HealthCheckSpec, HostHandle};
use libfuzzer_sys::fuzz_target;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::Mutex;
use tokio::task::yield_now;
use tokio::time::timeout;

mod host;
#[expect(dead_code, reason = "the target `exchange` uses the rest")]
#[path = "../../fal-host/src/proxy/tests/abuse/strict.rs"]
mod strict;
mod wire;

use host::PATIENCE;
use wire::{Ending, Wire};

/// How much memory one connection may take: what docs/limits.md says, and as much again for this process.
const MEMORY_OF_A_CONNECTION: usize = 18 << 20;

/// How much memory may be kept after many connections: some for the host, and twice what an input can write.
const MEMORY_KEPT: usize = 1 << 20;

#[global_allocator]
static MEMORY: CountedMemory = CountedMemory { used: AtomicUsize::new(0), most: AtomicUsize::new(0) };

fuzz_target!(|input: &[u8]| {
    thread_local!(static RIG: RefCell<Option<Rig>> = const { RefCell::new(None) });
    RIG.with_borrow_mut(|rig| rig.get_or_insert_with(Rig::start).exchange(&Wire::of(input)));
});

/// A host with one runner, and the runner's listener.
struct Rig {
    runtime: Runtime,
    host: HostHandle,
    runner: Arc<Mutex<TcpListener>>,
    /// How much memory was used after the first connection.
    kept: Option<usize>,
}

impl Rig {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        // A check is made if a response, or the host itself, asks for it.
        let checks = HealthCheckSpec::post("/health", HealthCheck::new().call_regularly(false));
        let app = AppSpec::new("fuzz").health_check(checks);
        let (host, listener) = runtime.block_on(host::start(app));
        Self { runtime, host, runner: Arc::new(Mutex::new(listener)), kept: None }
    }

    fn exchange(&mut self, wire: &Wire) {
        let before = MEMORY.used.load(Ordering::Relaxed);
        MEMORY.most.store(before, Ordering::Relaxed);
        self.runtime.block_on(async {
            let serving = tokio::spawn(host::serve(Arc::clone(&self.runner), wire.answer().to_vec()));
            let client = TcpStream::connect(self.host.address()).await.expect("the host accepts");
            let talking = timeout(PATIENCE, talk(client, wire)).await;
            let received = talking.expect("the connection of a client that has closed its side ends");
            if wire.has_preface {
                check_frames(&received);
            } else if !received.is_empty() {
                strict::Strict::response(&received)
                    .expect("a client that does not speak HTTP/2 gets a valid response");
            }
            host::released(&self.host).await;
            let snapshot = self.host.snapshot().await.expect("the host runs");
            assert!(
                snapshot.runners.iter().all(|runner| runner.recent_losses.is_none()),
                "it is the client that leaves"
            );
            serving.abort();
            if let Err(error) = serving.await {
                assert!(error.is_cancelled(), "{error}");
            }
        });
        let most = MEMORY.most.load(Ordering::Relaxed).saturating_sub(before);
        assert!(most < MEMORY_OF_A_CONNECTION, "a connection takes {most} bytes");
        let kept = *self.kept.get_or_insert_with(|| MEMORY.used.load(Ordering::Relaxed));
        let is_freed = || MEMORY.used.load(Ordering::Relaxed) < kept + MEMORY_KEPT;
        self.runtime.block_on(async {
            // The host may still have the connection of a client that has left.
            let freeing = async {
                while !is_freed() {
                    yield_now().await;
                }
            };
            timeout(PATIENCE, freeing).await.expect("connections that have ended keep no memory");
        });
    }
}

/// Sends the pieces, and returns what the host sends.
async fn talk(client: TcpStream, wire: &Wire) -> Vec<u8> {
    let mut received = Vec::new();
    let (mut from_host, mut to_host) = client.into_split();
    let sending = async {
        for piece in &wire.pieces {
            // The host may have ended the connection.
            if to_host.write_all(piece).await.is_err() {
                break;
            }
            for _ in 0..piece.len() % 8 {
                yield_now().await;
            }
        }
        if wire.ending == Ending::HalfClose {
            let _ = to_host.shutdown().await;
        }
    };
    match wire.ending {
        Ending::HalfClose => {
            // A reset is an end, too.
            let (_, ()) = tokio::join!(from_host.read_to_end(&mut received), sending);
        }
        // The system takes what an input can write.
        Ending::Unread => sending.await,
        Ending::Reset => {
            sending.await;
            from_host.as_ref().set_zero_linger().expect("it is a socket");
        }
    }
    received
}

/// Checks that the host begins with its settings, and sends frames of known kinds. The last one may be cut.
fn check_frames(mut received: &[u8]) {
    const SETTINGS: u8 = 4;
    let mut is_first = true;
    while let [a, b, c, kind, _, _, _, _, _, rest @ ..] = received {
        assert!(!is_first || *kind == SETTINGS, "the host begins with {kind}");
        assert!(*kind < 10, "the host sends a frame of the kind {kind}");
        is_first = false;
        let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        received = rest.get(length..).unwrap_or_default();
    }
}

/// An allocator that counts.
struct CountedMemory {
    used: AtomicUsize,
    most: AtomicUsize,
}

// SAFETY: the system's allocator does all of it.
unsafe impl GlobalAlloc for CountedMemory {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let used = self.used.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        self.most.fetch_max(used, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of both.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        self.used.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of both.
        unsafe { System.dealloc(memory, layout) }
    }
}
