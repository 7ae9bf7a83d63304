//! Connections that are kept from check to check (S19).

use super::*;

/// Lets this much of the test's time pass.
async fn later(wait: Duration) {
    tokio::time::pause();
    tokio::time::advance(wait).await;
    tokio::time::resume();
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
        assert_eq!(bench.prober.check(in_time()).await.answer, Outcome::Pass);
    }
    server.await.unwrap();
}

#[tokio::test]
async fn a_check_on_a_kept_connection_that_ends_without_a_byte_is_sent_again_on_a_fresh_one_s19c() {
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
    assert_eq!(bench.prober.check(in_time()).await.answer, Outcome::Pass);
    assert_eq!(bench.prober.check(in_time()).await.answer, Outcome::Pass);
    server.await.unwrap();
}

#[tokio::test]
async fn a_kept_connection_that_ends_within_a_response_is_a_failure_s19c() {
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
    assert_eq!(bench.prober.check(in_time()).await.answer, Outcome::Pass);
    assert_eq!(bench.prober.check(in_time()).await.answer, failure(Failure::Disconnected));
    server.await.unwrap();
}

#[tokio::test]
async fn a_full_backlog_is_retried_until_the_deadline_s20e() {
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
    let prober = bench.another_prober();
    let asked = tokio::spawn(async move { prober.check(in_time()).await.answer });
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

#[tokio::test]
async fn a_connection_that_the_runner_wants_closed_is_not_kept_s19() {
    let mut bench = bench();
    let listener = bench.listener.take().unwrap();
    let server = tokio::spawn(async move {
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().await.unwrap();
            head(&mut stream).await;
            let answer = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(answer).await.unwrap();
            assert_eq!(stream.read(&mut [0]).await.unwrap(), 0, "the host closes it");
        }
    });
    for _ in 0..2 {
        assert_eq!(bench.prober.check(in_time()).await.answer, Outcome::Pass);
    }
    server.await.unwrap();
}

#[tokio::test]
async fn a_kept_connection_on_which_more_has_arrived_is_not_used_s21a() {
    let mut bench = bench();
    let listener = bench.listener.take().unwrap();
    let (more, wanted) = tokio::sync::oneshot::channel();
    let (sent, is_sent) = tokio::sync::oneshot::channel();
    let server = tokio::spawn(async move {
        let (mut first, _) = listener.accept().await.unwrap();
        head(&mut first).await;
        first.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        wanted.await.unwrap();
        first.write_all(b"HTTP/1.1 500 Late\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        sent.send(()).unwrap();
        let (mut second, _) = listener.accept().await.unwrap();
        head(&mut second).await;
        second.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    });
    assert_eq!(bench.prober.check(in_time()).await.answer, Outcome::Pass);
    more.send(()).unwrap();
    is_sent.await.unwrap();
    assert_eq!(bench.prober.check(in_time()).await.answer, Outcome::Pass);
    server.await.unwrap();
}

#[tokio::test]
async fn a_connection_that_is_four_intervals_or_a_minute_old_is_closed_before_the_next_check_s19d() {
    for (interval, age) in [(10, 40), (20, 60)] {
        let age = Duration::from_secs(age);
        let mut bench = bench();
        bench.prober = bench.prober.with_interval(Duration::from_secs(interval));
        let listener = bench.listener.take().unwrap();
        let server = tokio::spawn(async move {
            // One connection at a time, as a server with one thread serves them.
            for _ in 0..2 {
                let (mut stream, _) = listener.accept().await.unwrap();
                for _ in 0..2 {
                    head(&mut stream).await;
                    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
                }
                assert_eq!(stream.read(&mut [0]).await.unwrap(), 0, "the host closes it");
            }
        });
        for wait in [Duration::ZERO, age / 2, age / 2, Duration::ZERO] {
            later(wait).await;
            assert_eq!(bench.prober.check(in_time()).await.answer, Outcome::Pass);
        }
        bench.prober.close();
        server.await.unwrap();
    }
}

#[tokio::test]
async fn a_runner_that_accepts_no_connections_any_more_fails_when_its_connection_is_old_s19d() {
    let mut bench = bench();
    let listener = bench.listener.take().unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        drop(listener);
        loop {
            head(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        }
    });
    for _ in 0..3 {
        assert_eq!(bench.prober.check(in_time()).await.answer, Outcome::Pass);
    }
    later(MAX_CONNECTION_AGE).await;
    for _ in 0..2 {
        assert_eq!(bench.prober.check(in_time()).await.answer, failure(Failure::Connect));
    }
    server.abort();
}
