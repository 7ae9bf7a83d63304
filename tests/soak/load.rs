//! Clients that send requests at a fixed rate.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use fal_runtime::{Context, Error, Result};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::latencies::Latencies;

/// How long a connection is kept that nothing is sent on: the host closes it after 75 s.
const IDLE: Duration = Duration::from_secs(30);

/// Nothing that the host promises takes as long.
const LOST: Duration = Duration::from_secs(60);

/// A connection that is kept.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    used: Instant,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream), used: Instant::now() })
    }

    pub(crate) async fn post(&mut self, path: &str, body: &impl Serialize) -> Result<Answer> {
        let exchange = self.exchange(path, serde_json::to_string(body)?);
        timeout(LOST, exchange).await.context("no answer at all")?
    }

    async fn exchange(&mut self, path: &str, body: String) -> Result<Answer> {
        let length = body.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: trial\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        self.stream.write_all(request.as_bytes()).await?;
        let (mut status, mut length, mut line) = (None, 0, String::new());
        loop {
            line.clear();
            if self.stream.read_line(&mut line).await? == 0 {
                return Err(Error::msg("the host has closed the connection"));
            }
            let lower = line.trim_end().to_ascii_lowercase();
            if lower.is_empty() {
                break;
            } else if status.is_none() {
                status = lower.split(' ').nth(1).and_then(|status| status.parse().ok());
            } else if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        self.used = Instant::now();
        Ok(Answer { status: status.context("no status")?, body: serde_json::from_slice(&body)? })
    }
}

/// Sends one request on a connection of its own.
pub(crate) async fn post(address: SocketAddr, path: &str, body: &impl Serialize) -> Result<Answer> {
    Connection::open(address).await?.post(path, body).await
}

/// What became of requests.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcomes {
    pub(crate) latencies: Latencies,
    /// When an answer was no success, and what it said.
    pub(crate) failures: Vec<(Instant, String)>,
}

impl Outcomes {
    fn add(&mut self, begun: Instant, answer: Result<Answer>) {
        self.latencies.add(begun.elapsed());
        let problem = match answer {
            Ok(Answer { status: 200, .. }) => return,
            Ok(Answer { status, body }) => match body.get("error_type").and_then(Value::as_str) {
                Some(error) => error.to_owned(),
                None => format!("{status}: {body}"),
            },
            Err(error) => error.to_string(),
        };
        self.failures.push((Instant::now(), problem));
    }
}

/// Requests that are sent until this is dropped.
#[derive(Debug)]
pub(crate) struct Load {
    outcomes: Arc<Mutex<Outcomes>>,
    senders: Vec<tokio::task::JoinHandle<()>>,
}

impl Load {
    /// Clients that send one request after the other.
    pub(crate) fn steady(address: SocketAddr, clients: usize) -> Self {
        let outcomes = Arc::<Mutex<Outcomes>>::default();
        let client = |_| {
            let outcomes = Arc::clone(&outcomes);
            tokio::spawn(async move {
                let mut kept = None;
                loop {
                    let begun = Instant::now();
                    let answer = send(address, "/", &mut kept).await;
                    lock(&outcomes).add(begun, answer);
                }
            })
        };
        let senders = (0..clients).map(client).collect();
        Self { outcomes, senders }
    }

    /// So many requests a second for this path, however long each takes.
    pub(crate) fn at_rate(address: SocketAddr, path: &'static str, rate: u32) -> Self {
        let outcomes = Arc::<Mutex<Outcomes>>::default();
        let (shared, pool) = (Arc::clone(&outcomes), Arc::<Mutex<Vec<Connection>>>::default());
        let sender = tokio::spawn(async move {
            let mut ticks = interval(Duration::from_secs(1) / rate);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
            loop {
                // Late ones count from when they were due.
                let due = ticks.tick().await.into_std();
                let (outcomes, pool) = (Arc::clone(&shared), Arc::clone(&pool));
                tokio::spawn(async move {
                    let mut kept = lock(&pool).pop();
                    let answer = send(address, path, &mut kept).await;
                    lock(&pool).extend(kept);
                    lock(&outcomes).add(due, answer);
                });
            }
        });
        Self { outcomes, senders: vec![sender] }
    }

    /// What became of the requests since the last call.
    pub(crate) fn take(&self) -> Outcomes {
        std::mem::take(&mut *lock(&self.outcomes))
    }

    /// What became of them since the last call, which stays.
    pub(crate) fn count(&self) -> u64 {
        lock(&self.outcomes).latencies.count()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.senders.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

async fn send(address: SocketAddr, path: &str, kept: &mut Option<Connection>) -> Result<Answer> {
    let mut connection = match kept.take().filter(|kept| kept.used.elapsed() < IDLE) {
        Some(connection) => connection,
        None => Connection::open(address).await?,
    };
    let answer = connection.post(path, &json!({})).await?;
    *kept = Some(connection);
    Ok(answer)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
