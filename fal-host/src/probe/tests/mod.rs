//! Checks against scripted listeners on real sockets.

mod connections;
mod details;
mod lag;
mod outcomes;

use std::time::Duration;

use fal_health::{Event, HealthCheck, HealthCheckSpec, Lifespan, Monitor, Schedule, Time};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

use super::*;

/// A deadline that only a failure reaches.
const GUARD: Duration = Duration::from_secs(20);

struct Bench {
    prober: Prober,
    listener: Option<UnixListener>,
    _directory: tempfile::TempDir,
}

fn bench() -> Bench {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("runner.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let target = ProbeTarget::new(&HealthCheckSpec::post("/health", HealthCheck::new())).unwrap();
    let prober = Prober::new(Address::Unix(path), Arc::new(target));
    Bench { prober, listener: Some(listener), _directory: directory }
}

/// A check as a monitor starts it.
fn check(trigger: Trigger, timeout: Duration) -> Check {
    let schedule = Schedule::new(Duration::from_secs(1), 0);
    let lifespan = Lifespan::new(Time::ZERO, None);
    let mut monitor = Monitor::new(HealthCheck::new(), lifespan, schedule);
    monitor.handle(Time::ZERO, Event::Ready);
    let Some(fal_health::Command::Start(mut check)) = monitor.handle(Time::ZERO, Event::ManualRequested)
    else {
        panic!("a manual check starts at once");
    };
    (check.trigger, check.timeout) = (trigger, timeout);
    check
}

fn in_time() -> Check {
    check(Trigger::Periodic, GUARD)
}

fn brief() -> Check {
    check(Trigger::Periodic, Duration::from_millis(100))
}

/// Reads one request's head.
async fn head(stream: &mut UnixStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        assert_eq!(stream.read(&mut byte).await.unwrap(), 1, "a whole request head arrives");
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

impl Bench {
    /// A prober of the same runner with a connection of its own.
    fn another_prober(&self) -> Prober {
        Prober::new(self.prober.address.clone(), Arc::clone(&self.prober.target))
    }

    /// Answers the first request of every connection with these bytes, and then closes the connection.
    fn answers(&mut self, bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> JoinHandle<()> {
        let listener = self.listener.take().unwrap();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                head(&mut stream).await;
                let _ = stream.write_all(bytes.as_ref()).await;
            }
        })
    }

    /// The outcome of a brief check. Repeats it when the machine was too busy to tell.
    async fn brief_outcome(&self) -> Outcome {
        loop {
            let finding = self.prober.check(brief()).await;
            if finding.host_lag < brief().timeout / 4 {
                return finding.answer;
            }
        }
    }

    async fn outcome_of(mut self, bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Outcome {
        let server = self.answers(bytes);
        let outcome = tokio::time::timeout(GUARD, self.prober.check(in_time())).await.unwrap().answer;
        server.abort();
        outcome
    }
}

fn failure(failure: Failure) -> Outcome {
    Outcome::Failure(failure)
}
