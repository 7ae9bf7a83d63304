//! Everything at once: many clients, some of which leave at any moment, and runners that come, go, hold, break off and
//! ask for checks. Whatever happens, no slot is lost, nothing stays in flight, and every answer is a known one.

use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderValue, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::{AbortHandle, JoinSet, yield_now};

use super::rig::{FakeRunner, limits};
use super::{Peer, Rig, until, within};
use crate::RunnerId;
use crate::proxy::queue::QueuePosition;
use crate::proxy::response_head::CHECK;
use crate::proxy::{Limits, Report};

const RUNNERS: u32 = 3;
const SLOTS: u32 = 2;
const CLIENTS: u64 = 24;
const REQUESTS: u64 = 40;

/// Splitmix64, one step from a seed: scattered, and the same every time.
fn scatter(seed: u64) -> u64 {
    let z = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z ^ (z >> 27)
}

/// What all runners count together.
#[derive(Debug, Default)]
struct Counts {
    calls: AtomicU64,
    /// The most calls that any runner has ever served at once.
    most: AtomicU32,
}

/// A runner that holds each call for a while, and answers, asks for a check, or breaks off.
async fn serve_calls(runner: FakeRunner, counts: Arc<Counts>) {
    let running = Arc::new(AtomicU32::new(0));
    let mut connections = JoinSet::new();
    loop {
        let stream = runner.stream().await;
        let (counts, running) = (Arc::clone(&counts), Arc::clone(&running));
        let service = service_fn(move |_: Request<Incoming>| {
            let fate = scatter(counts.calls.fetch_add(1, Ordering::Relaxed));
            let running = Running::begin(&running);
            counts.most.fetch_max(running.now(), Ordering::Relaxed);
            Box::pin(async move {
                yield_often(fate % 20).await;
                drop(running);
                let mut response = Response::new(Full::<Bytes>::from(vec![b'x'; 1 << (fate % 11)]));
                match fate % 11 {
                    0 => return Err("broken off"),
                    1 => drop(response.headers_mut().insert(&CHECK, HeaderValue::from_static("true"))),
                    _ => {}
                }
                Ok(response)
            })
        });
        connections.spawn(async move {
            let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            let _ = poll_fn(|cx| connection.poll_without_shutdown(cx)).await;
            // The call ends before the connection closes, not after: only then may the host send the next.
            drop(connection.into_parts().io);
        });
    }
}

async fn yield_often(times: u64) {
    for _ in 0..times {
        yield_now().await;
    }
}

/// One call that runs.
struct Running(Arc<AtomicU32>);

impl Running {
    fn begin(running: &Arc<AtomicU32>) -> Self {
        running.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(running))
    }

    fn now(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Sends requests one after another, and leaves before the answer of every seventh or so.
async fn be_a_client(address: SocketAddr, number: u64) {
    let connect = async || Peer::new(within(TcpStream::connect(address)).await.unwrap());
    let mut host = connect().await;
    for request in 0..REQUESTS {
        let fate = scatter(number * REQUESTS + request);
        host.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nbody").await;
        if fate.is_multiple_of(7) {
            yield_often(fate % 50).await;
            host = connect().await;
            continue;
        }
        let response = host.message().await;
        match response.status() {
            200 => assert!(response.all("x-fal-runner-health-check").is_empty()),
            _ => assert_eq!(response.error_type(), "runner_disconnected"),
        }
        if response.header("connection") == Some("close") {
            host = connect().await;
        }
    }
}

/// The control side: makes the manual checks, and replaces the oldest runner again and again, by turns in good order and by a
/// crash.
struct Control {
    rig: Rig,
    counts: Arc<Counts>,
    runners: VecDeque<(RunnerId, AbortHandle)>,
    leaving: HashMap<RunnerId, AbortHandle>,
    tasks: JoinSet<()>,
}

impl Control {
    fn start_runner(&mut self) {
        let runner = self.rig.runner();
        let id = runner.id;
        let task = self.tasks.spawn(serve_calls(runner, Arc::clone(&self.counts)));
        self.runners.push_back((id, task));
    }

    async fn step(&mut self, round: u64) {
        for id in self.rig.balancer.take_asked() {
            self.rig.balancer.manual_check_started(id);
            yield_often(round % 5).await;
            if round.is_multiple_of(3) {
                self.rig.balancer.release_held(id);
            } else {
                self.rig.balancer.manual_check_ended(id);
            }
        }
        while let Some(report) = self.rig.next_report() {
            if let Report::Drained(id) = report
                && let Some(task) = self.leaving.remove(&id)
            {
                task.abort();
                self.rig.balancer.forget(id);
            }
        }
        if round.is_multiple_of(16)
            && let Some((id, task)) = self.runners.pop_front()
        {
            self.start_runner();
            if round.is_multiple_of(32) {
                task.abort();
            }
            self.rig.balancer.remove(id);
            self.leaving.insert(id, task);
        }
        yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_permit_is_lost_when_clients_leave_and_runners_break_s30_s38a_s39b() {
    lose_no_permit(0).await;
}

#[tokio::test]
async fn no_permit_is_lost_between_threads_s38a_s105b() {
    lose_no_permit(2).await;
}

/// The host serves clients with this many threads of its own.
async fn lose_no_permit(threads: usize) {
    let limits = Limits { max_multiplexing: SLOTS, queue: 1000, ..limits() };
    let rig = Rig::with_threads(limits, threads).await;
    let address = rig.address;
    let mut control = Control {
        rig,
        counts: Arc::default(),
        runners: VecDeque::new(),
        leaving: HashMap::new(),
        tasks: JoinSet::new(),
    };
    for _ in 0..RUNNERS {
        control.start_runner();
    }
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        clients.spawn(be_a_client(address, number));
    }
    let mut round = 0;
    while !clients.is_empty() {
        round += 1;
        control.step(round).await;
        while let Some(ended) = clients.try_join_next() {
            ended.unwrap();
        }
    }
    let balancer = &control.rig.balancer;
    let everyone = control.runners.iter().map(|(id, _)| *id).chain(control.leaving.keys().copied());
    for id in everyone {
        until(|| balancer.in_flight(id) == 0).await;
        balancer.release_held(id);
    }
    assert_eq!(balancer.waiting(), 0);
    let mut slots = Vec::new();
    for _ in 0..RUNNERS * SLOTS {
        // The last requests that were lost may have left a quarantine, which ends.
        slots.push(within(QueuePosition::default().acquire(balancer)).await.unwrap());
    }
    assert!(
        QueuePosition::default().acquire(balancer).now_or_never().is_none(),
        "every slot is there, and no other"
    );
    assert!(control.counts.most.load(Ordering::Relaxed) <= SLOTS);
}
