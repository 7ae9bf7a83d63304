//! The host's own lag (S20), and runners whose request runtime is stalled.

use super::*;

#[tokio::test]
async fn a_timeout_that_the_hosts_lag_explains_is_inconclusive_s20b() {
    let bench = bench();
    let held_up = async {
        // The thread that checks is kept from running for the whole of the check.
        std::thread::sleep(brief().timeout * 2);
    };
    let check = bench.prober.check(brief());
    let (result, ()) = tokio::join!(check, held_up);
    assert_eq!(result.outcome, Outcome::Inconclusive(Inconclusive::HostLag(Failure::Timeout)));
}

#[tokio::test]
async fn a_response_that_a_late_host_finds_after_the_deadline_is_inconclusive_s18c_s20b() {
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
    let (result, ()) = tokio::join!(bench.prober.check(brief()), held_up);
    assert_eq!(result.outcome, Outcome::Inconclusive(Inconclusive::HostLag(Failure::Timeout)));
    drop(server.join().unwrap());
}

#[tokio::test]
async fn lag_excuses_only_a_timeout_s20b() {
    let mut bench = bench();
    bench.listener = None;
    let held_up = async { std::thread::sleep(brief().timeout * 2) };
    let (result, ()) = tokio::join!(bench.prober.check(brief()), held_up);
    assert_eq!(result.outcome, failure(Failure::Connect));
}

#[tokio::test]
async fn a_pass_of_a_stalled_runner_is_a_pass_or_a_failure_as_set_s17_s18a() {
    let answer = "HTTP/1.1 200 OK\r\nx-fal-runner-progress: canary_ms=20000, oldest_ms=21000\r\n\r\n";
    for (on_stall, outcome) in [(OnStall::Note, Outcome::Pass), (OnStall::Fail, failure(Failure::Stalled))] {
        let mut bench = bench();
        let spec = HealthCheckSpec::post("/health", HealthCheck::new());
        bench.prober.target = Arc::new(ProbeTarget::new(&spec, on_stall).unwrap());
        let server = bench.answers(answer);
        let stalled = Some(Duration::from_secs(20));
        assert_eq!(bench.prober.check(in_time()).await, ProbeResult { outcome, stalled });
        server.abort();
    }
}

#[tokio::test]
async fn a_recent_or_missing_heartbeat_is_no_stall_s17() {
    for stamp in ["canary_ms=19999", "oldest_ms=100000", "canary_ms=x", ""] {
        let mut bench = bench();
        let spec = HealthCheckSpec::post("/health", HealthCheck::new());
        bench.prober.target = Arc::new(ProbeTarget::new(&spec, OnStall::Fail).unwrap());
        let server = bench.answers(format!("HTTP/1.1 200 OK\r\nx-fal-runner-progress: {stamp}\r\n\r\n"));
        let result = bench.prober.check(in_time()).await;
        assert_eq!(result, ProbeResult { outcome: Outcome::Pass, stalled: None }, "{stamp:?}");
        server.abort();
    }
}
