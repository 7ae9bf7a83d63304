//! Answers checks, rightly or wrongly.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::Runner;
use crate::fault::Check;
use crate::process::leak_descriptors;
use crate::wire::{bind, bind_for, request, reset, respond, without_end};

/// Answers checks in whatever way is in force. When that changes every connection closes, and a new listener takes the
/// place of the old one.
pub(crate) async fn answer(runner: Arc<Runner>, mut listener: UnixListener) -> io::Result<()> {
    let mut way = runner.check.subscribe();
    loop {
        let now = *way.borrow_and_update();
        tokio::select! {
            served = serve(&runner, &listener, now) => served?,
            _ = way.changed() => {}
        }
        listener = bind(&runner.checks)?;
    }
}

async fn serve(runner: &Arc<Runner>, listener: &UnixListener, way: Check) -> io::Result<()> {
    let (mut connections, checks) = (JoinSet::new(), Arc::new(AtomicU64::new(0)));
    match way {
        Check::NeverAccepted => {
            let _full = bind_for(&runner.checks, 0)?;
            let _waiting = UnixStream::connect(&runner.checks).await?;
            std::future::pending::<()>().await;
        }
        Check::WithoutDescriptors => leak_descriptors()?,
        _ => {}
    }
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn(converse(Arc::clone(runner), stream, way, Arc::clone(&checks)));
            }
            // There is no descriptor for it, and none will come.
            Err(_) => std::future::pending().await,
        }
    }
}

async fn converse(
    runner: Arc<Runner>,
    mut stream: UnixStream,
    way: Check,
    checks: Arc<AtomicU64>,
) -> io::Result<()> {
    match way {
        Check::NeverRead => std::future::pending::<()>().await,
        Check::Reset => return reset(stream, "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nsome").await,
        _ => {}
    }
    while request(&mut stream).await?.is_some() {
        let nth = checks.fetch_add(1, Ordering::Relaxed);
        if runner.dependency.as_ref().is_some_and(|file| !file.exists()) {
            respond(&mut stream, "500 Internal Server Error", "", "").await?;
            continue;
        }
        match one(&mut stream, way, nth).await? {
            After::Next => {}
            After::Close => return Ok(()),
            After::Nothing => std::future::pending().await,
        }
    }
    Ok(())
}

/// What follows an answer on its connection.
enum After {
    Next,
    Close,
    /// It stays as it is.
    Nothing,
}

async fn one(stream: &mut UnixStream, way: Check, nth: u64) -> io::Result<After> {
    const FAILURE: &str = "500 Internal Server Error";
    match way {
        Check::Well | Check::NeverAccepted | Check::NeverRead | Check::Reset | Check::WithoutDescriptors => {
            respond(stream, "200 OK", "", "{}").await?;
        }
        Check::NeverAnswered => return Ok(After::Nothing),
        Check::Dripping => {
            for byte in b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n" {
                stream.write_u8(*byte).await?;
                sleep(Duration::from_secs(1)).await;
            }
        }
        Check::TooLate => {
            sleep(Duration::from_millis(2500)).await;
            respond(stream, "200 OK", "", "{}").await?;
        }
        Check::EndlessHead => without_end(stream, "HTTP/1.1 200 OK\r\n", "x-more: and more\r\n").await?,
        Check::EndlessBody => {
            without_end(stream, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "4\r\nmore\r\n")
                .await?;
        }
        Check::EndlessFailure => {
            without_end(stream, "HTTP/1.1 503 Busy\r\ntransfer-encoding: chunked\r\n\r\n", "4\r\nmore\r\n")
                .await?;
        }
        Check::WrongFraming => respond(stream, "200 OK", "content-length: several\r\n", "{}").await?,
        Check::Noise => stream.write_all(b"\0\x01\x02 what is this?\r\n\r\n").await?,
        Check::Closed => return Ok(After::Close),
        Check::BrokenOff => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nsome").await?;
            return Ok(After::Close);
        }
        Check::Informed => without_end(stream, "", "HTTP/1.1 103 Early Hints\r\n\r\n").await?,
        Check::Redirected => respond(stream, "302 Found", "location: /health\r\n", "").await?,
        Check::HeadOnly => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n").await?;
            return Ok(After::Nothing);
        }
        Check::HalfClosed => {
            stream.shutdown().await?;
            return Ok(After::Nothing);
        }
        Check::HalfClosedAfterwards => {
            respond(stream, "200 OK", "", "{}").await?;
            stream.shutdown().await?;
        }
        Check::Alternating if nth.is_multiple_of(2) => respond(stream, FAILURE, "", "").await?,
        Check::Alternating => respond(stream, "200 OK", "", "{}").await?,
        Check::Failing => respond(stream, FAILURE, "", "").await?,
        Check::Stalled => {
            respond(stream, "200 OK", "x-fal-runner-progress: canary_ms=90000\r\n", "{}").await?;
        }
    }
    Ok(After::Next)
}
