//! Checks against scripted listeners on real sockets.

use std::time::Duration;

use fal_health::{Event, HealthCheck, Lifespan, Monitor, Schedule, Time};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

use super::*;

/// Nothing here should take this long.
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
    let call = Call::new(&HealthCheckSpec::post("/health", HealthCheck::new()), OnStall::Note).unwrap();
    let prober = Prober::new(Address::Unix(path), Arc::new(call));
    Bench { prober, listener: Some(listener), _directory: directory }
}

/// A check as a monitor orders it.
fn check(trigger: Trigger, timeout: Duration) -> Check {
    let schedule = Schedule::new(Duration::from_secs(1), 0);
    let lifespan = Lifespan { started: Time::ZERO, startup_timeout: None };
    let mut monitor = Monitor::new(HealthCheck::new(), lifespan, schedule);
    monitor.handle(Time::ZERO, Event::Ready);
    let Some(fal_health::Command::Start(check)) = monitor.handle(Time::ZERO, Event::ManualRequested) else {
        panic!("a manual check starts at once");
    };
    Check { trigger, timeout, ..check }
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
        assert_eq!(stream.read(&mut byte).await.unwrap(), 1, "a whole request comes");
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

impl Bench {
    /// Answers every connection's first request with these bytes, and then closes it.
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

    /// The outcome of a brief check, on a machine that may be busy with others.
    async fn brief_outcome(&self) -> Outcome {
        loop {
            match self.prober.check(brief()).await.outcome {
                Outcome::Inconclusive(Inconclusive::HostLag(_)) => {}
                outcome => return outcome,
            }
        }
    }

    async fn outcome_of(mut self, bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Outcome {
        let server = self.answers(bytes);
        let outcome = tokio::time::timeout(GUARD, self.prober.check(in_time())).await.unwrap().outcome;
        server.abort();
        outcome
    }
}

fn failure(failure: Failure) -> Outcome {
    Outcome::Failure(failure)
}

#[tokio::test]
async fn a_check_is_a_post_without_a_body_and_with_a_fresh_request_id_s16() {
    let mut bench = bench();
    let listener = bench.listener.take().unwrap();
    let mut ids = Vec::new();
    for trigger in [Trigger::Periodic, Trigger::Manual] {
        let prober = Prober { kept: Arc::default(), ..bench.prober.clone() };
        let asked = tokio::spawn(async move { prober.check(check(trigger, GUARD)).await.outcome });
        let (mut stream, _) = listener.accept().await.unwrap();
        let head = head(&mut stream).await.to_lowercase();
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        assert_eq!(asked.await.unwrap(), Outcome::Pass);
        assert!(head.starts_with("post /health http/1.1\r\n"), "{head}");
        assert!(!head.contains("transfer-encoding"), "{head}");
        assert_eq!(head.contains("x-fal-runner-health-check: true"), trigger == Trigger::Manual, "{head}");
        let id = head.lines().find_map(|line| line.strip_prefix("x-fal-request-id: ")).unwrap().to_owned();
        ids.push(id);
    }
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn every_2xx_whose_answer_is_complete_passes_and_its_body_is_not_read_into_s17() {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 299 Odd\r\ncontent-length: 17\r\n\r\n{\"status\":\"sick\"}",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\nuntil the end",
    ] {
        assert_eq!(bench().outcome_of(answer).await, Outcome::Pass, "{answer}");
    }
}

#[tokio::test]
async fn a_body_over_64_kib_passes_before_it_ends_and_closes_the_connection_s17() {
    let mut bench = bench();
    let listener = bench.listener.take().unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n").await.unwrap();
        while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
    });
    assert_eq!(bench.prober.check(in_time()).await.outcome, Outcome::Pass);
    tokio::time::timeout(GUARD, server).await.expect("the host closes its side").unwrap();
}

#[tokio::test]
async fn every_other_status_fails_with_its_code_and_no_redirect_is_followed_s16_s18a() {
    for (status, headers) in [(500, ""), (503, ""), (404, ""), (302, "location: /health\r\n"), (304, "")] {
        let answer = format!("HTTP/1.1 {status} X\r\n{headers}content-length: 0\r\n\r\n");
        assert_eq!(bench().outcome_of(answer).await, failure(Failure::Status(status)));
    }
}

#[tokio::test]
async fn nothing_that_answers_in_time_is_a_timeout_s18c_s19a() {
    for answer in [
        "",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no",
        "HTTP/1.1 100 Continue\r\n\r\n",
    ] {
        let mut bench = bench();
        let listener = bench.listener.take().unwrap();
        let (closed, mut closings) = tokio::sync::mpsc::unbounded_channel();
        let server = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let closed = closed.clone();
                tokio::spawn(async move {
                    head(&mut stream).await;
                    stream.write_all(answer.as_bytes()).await.unwrap();
                    // It keeps the connection until the host has closed it.
                    closed.send(stream.read(&mut [0]).await.unwrap())
                });
            }
        });
        assert_eq!(bench.brief_outcome().await, failure(Failure::Timeout), "{answer:?}");
        let closed =
            tokio::time::timeout(GUARD, closings.recv()).await.expect("the check's connection is dropped");
        assert_eq!(closed, Some(0));
        server.abort();
    }
}

#[tokio::test]
async fn a_listener_that_never_accepts_is_a_timeout_s18a() {
    let bench = bench();
    assert_eq!(bench.brief_outcome().await, failure(Failure::Timeout));
}

#[tokio::test]
async fn nobody_who_listens_is_a_failure_to_connect_s18a() {
    let mut bench = bench();
    bench.listener = None;
    assert_eq!(bench.prober.check(in_time()).await.outcome, failure(Failure::Connect));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_disconnected_s18a() {
    for answer in [
        "",
        "HTTP/1.1 2",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab",
    ] {
        assert_eq!(bench().outcome_of(answer).await, failure(Failure::Disconnected), "{answer:?}");
    }
}

#[tokio::test]
async fn what_is_not_http_is_malformed_s18a() {
    let endless = format!("HTTP/1.1 200 OK\r\n{}", "x: y\r\n".repeat(200_000));
    for answer in [
        "SSH-2.0-OpenSSH_9.6\r\n\r\n".to_owned(),
        "HTTP/1.1 9000 OK\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab".to_owned(),
        endless,
    ] {
        let shown: String = answer.chars().take(60).collect();
        assert_eq!(bench().outcome_of(answer).await, failure(Failure::Malformed), "{shown:?}");
    }
}

#[tokio::test]
async fn a_connection_is_kept_from_check_to_check() {
    let mut bench = bench();
    let listener = bench.listener.take().unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        for _ in 0..3 {
            head(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
        }
    });
    for _ in 0..3 {
        assert_eq!(bench.prober.check(in_time()).await.outcome, Outcome::Pass);
    }
    server.await.unwrap();
}

#[tokio::test]
async fn a_kept_connection_that_ends_without_a_byte_is_asked_again_on_a_fresh_one_s19c() {
    let mut bench = bench();
    let listener = bench.listener.take().unwrap();
    let server = tokio::spawn(async move {
        let (mut first, _) = listener.accept().await.unwrap();
        head(&mut first).await;
        first.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        // The second check reaches the kept connection, which ends.
        head(&mut first).await;
        drop(first);
        let (mut second, _) = listener.accept().await.unwrap();
        head(&mut second).await;
        second.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    });
    assert_eq!(bench.prober.check(in_time()).await.outcome, Outcome::Pass);
    assert_eq!(bench.prober.check(in_time()).await.outcome, Outcome::Pass);
    server.await.unwrap();
}

#[tokio::test]
async fn a_kept_connection_that_ends_within_its_answer_has_failed_s19c() {
    let mut bench = bench();
    let listener = bench.listener.take().unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 2").await.unwrap();
        drop(stream);
        listener
    });
    assert_eq!(bench.prober.check(in_time()).await.outcome, Outcome::Pass);
    assert_eq!(bench.prober.check(in_time()).await.outcome, failure(Failure::Disconnected));
    server.await.unwrap();
}

#[tokio::test]
async fn a_full_backlog_is_waited_for_and_not_a_refusal_s20e() {
    let mut bench = bench();
    let Address::Unix(path) = bench.prober.address.clone() else { panic!("it listens on a Unix socket") };
    let mut crowd = Vec::new();
    // Connections are queued until the system refuses one for want of room.
    while let Ok(Ok(stream)) = {
        let connecting = UnixStream::connect(&path);
        tokio::time::timeout(Duration::from_millis(50), connecting).await
    } {
        crowd.push(stream);
    }
    assert_eq!(bench.brief_outcome().await, failure(Failure::Timeout), "{} wait", crowd.len());

    let listener = bench.listener.take().unwrap();
    let prober = bench.prober.clone();
    let asked = tokio::spawn(async move { prober.check(in_time()).await.outcome });
    drop(crowd);
    let server = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut byte = [0];
                if stream.read(&mut byte).await.unwrap_or(0) == 1 {
                    stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
                    let _ = stream.read(&mut [0; 1024]).await;
                }
            });
        }
    });
    assert_eq!(tokio::time::timeout(GUARD, asked).await.unwrap().unwrap(), Outcome::Pass);
    server.abort();
}

#[test]
fn a_spec_that_cannot_be_called_is_refused() {
    for (method, path) in [("POST", "health"), ("PO ST", "/health"), ("POST", "/a b")] {
        let spec = HealthCheckSpec { method: method.into(), path: path.into(), config: HealthCheck::new() };
        let error = Call::new(&spec, OnStall::Note).unwrap_err().to_string();
        assert!(error.contains(method) && error.contains(path), "{error}");
    }
}

#[tokio::test]
async fn a_timeout_that_the_hosts_own_lag_explains_is_inconclusive_s20b() {
    let bench = bench();
    let held_up = async {
        // The thread that checks is kept from running for the whole of the check.
        std::thread::sleep(brief().timeout * 2);
    };
    let check = bench.prober.check(brief());
    let (finding, ()) = tokio::join!(check, held_up);
    assert_eq!(finding.outcome, Outcome::Inconclusive(Inconclusive::HostLag(Failure::Timeout)));
}

#[tokio::test]
async fn an_answer_that_was_there_when_the_host_came_late_is_inconclusive_too_s18c_s20b() {
    let mut bench = bench();
    let listener = bench.listener.take().unwrap();
    let server = std::thread::spawn(move || {
        let listener = listener.into_std().unwrap();
        listener.set_nonblocking(false).unwrap();
        let (mut stream, _) = listener.accept().unwrap();
        std::io::Write::write_all(&mut stream, b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
        stream
    });
    let held_up = async { std::thread::sleep(brief().timeout * 2) };
    let (finding, ()) = tokio::join!(bench.prober.check(brief()), held_up);
    assert_eq!(finding.outcome, Outcome::Inconclusive(Inconclusive::HostLag(Failure::Timeout)));
    drop(server.join().unwrap());
}

#[tokio::test]
async fn lag_excuses_no_failure_but_a_timeout_s20b() {
    let mut bench = bench();
    bench.listener = None;
    let held_up = async { std::thread::sleep(brief().timeout * 2) };
    let (finding, ()) = tokio::join!(bench.prober.check(brief()), held_up);
    assert_eq!(finding.outcome, failure(Failure::Connect));
}

#[tokio::test]
async fn a_pass_while_requests_stand_still_is_noted_or_a_failure_s17_s18a() {
    let answer = "HTTP/1.1 200 OK\r\nx-fal-runner-progress: canary_ms=20000, oldest_ms=21000\r\n\r\n";
    for (on_stall, outcome) in [(OnStall::Note, Outcome::Pass), (OnStall::Fail, failure(Failure::Stalled))] {
        let mut bench = bench();
        let spec = HealthCheckSpec::post("/health", HealthCheck::new());
        bench.prober.call = Arc::new(Call::new(&spec, on_stall).unwrap());
        let server = bench.answers(answer);
        let stalled = Some(Duration::from_secs(20));
        assert_eq!(bench.prober.check(in_time()).await, Finding { outcome, stalled });
        server.abort();
    }
}

#[tokio::test]
async fn a_pulse_that_is_younger_than_a_check_may_take_or_none_is_no_stall_s17() {
    for stamp in ["canary_ms=19999", "oldest_ms=100000", "canary_ms=x", ""] {
        let mut bench = bench();
        let spec = HealthCheckSpec::post("/health", HealthCheck::new());
        bench.prober.call = Arc::new(Call::new(&spec, OnStall::Fail).unwrap());
        let server = bench.answers(format!("HTTP/1.1 200 OK\r\nx-fal-runner-progress: {stamp}\r\n\r\n"));
        let finding = bench.prober.check(in_time()).await;
        assert_eq!(finding, Finding { outcome: Outcome::Pass, stalled: None }, "{stamp:?}");
        server.abort();
    }
}
