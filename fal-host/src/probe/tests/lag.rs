//! What a check finds out beside the answer: the host's own lag (S20), and the progress of requests (S53).

use super::*;

#[tokio::test]
async fn the_hosts_lag_during_a_timeout_is_measured_s20b() {
    let bench = bench();
    let held_up = async {
        // The thread that checks is kept from running for the whole of the check.
        std::thread::sleep(brief().timeout * 2);
    };
    let check = bench.prober.check(brief());
    let (result, ()) = tokio::join!(check, held_up);
    assert_eq!(result.answer, failure(Failure::Timeout));
    assert!(result.host_lag >= brief().timeout / 4, "{:?}", result.host_lag);
}

#[tokio::test]
async fn a_response_that_a_late_host_finds_after_the_deadline_is_a_timeout_with_its_lag_s18c_s20b() {
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
    assert_eq!(result.answer, failure(Failure::Timeout));
    assert!(result.host_lag >= brief().timeout / 4, "{:?}", result.host_lag);
    drop(server.join().unwrap());
}

#[tokio::test]
async fn a_refused_connection_is_a_failure_to_connect_beside_any_lag_s18a() {
    let mut bench = bench();
    bench.listener = None;
    let held_up = async { std::thread::sleep(brief().timeout * 2) };
    let (result, ()) = tokio::join!(bench.prober.check(brief()), held_up);
    assert_eq!(result.answer, failure(Failure::Connect));
}

#[tokio::test]
async fn the_progress_that_a_runner_reports_is_read_s53b() {
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    for (stamp, canary, oldest) in [
        ("canary_ms=20000, oldest_ms=21000", seconds(20), seconds(21)),
        ("canary_ms=1000", seconds(1), None),
        ("oldest_ms=100000", None, None),
        ("canary_ms=x", None, None),
        ("", None, None),
    ] {
        let mut bench = bench();
        let server = bench.answers(format!("HTTP/1.1 200 OK\r\nx-fal-runner-progress: {stamp}\r\n\r\n"));
        let finding = bench.prober.check(in_time()).await;
        assert_eq!(finding.answer, Outcome::Pass, "{stamp:?}");
        assert_eq!((finding.canary, finding.oldest_request), (canary, oldest), "{stamp:?}");
        server.abort();
    }
}
