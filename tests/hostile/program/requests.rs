//! Answers requests, rightly or wrongly, and stops without losing any.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rustix::net::Shutdown;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};

use crate::Runner;
use crate::fault::{Answer, Start, named};
use crate::process::{self, Children};
use crate::wire::{bind, request, reset, respond, without_end};

/// The request side of a runner in service.
#[derive(Debug)]
pub(crate) struct Serving {
    stop: oneshot::Sender<()>,
    /// Ends with the last connection.
    connections: mpsc::Receiver<()>,
}

impl Serving {
    pub(crate) fn start(runner: &Arc<Runner>) -> io::Result<Self> {
        let listener = bind(&runner.requests)?;
        let (stop, stopping) = oneshot::channel();
        let (open, connections) = mpsc::channel(1);
        tokio::spawn(accept(Arc::clone(runner), listener, stopping, open));
        Ok(Self { stop, connections })
    }

    /// Takes the connections that are there and no others, and waits for the end of all.
    pub(crate) async fn finish(mut self, runner: &Runner) -> io::Result<()> {
        drop(self.stop);
        let _ = std::fs::remove_file(&runner.checks);
        self.connections.recv().await;
        Ok(())
    }
}

async fn accept(
    runner: Arc<Runner>,
    listener: UnixListener,
    mut stopping: oneshot::Receiver<()>,
    open: mpsc::Sender<()>,
) -> io::Result<()> {
    let serve = |stream| {
        let (runner, open) = (Arc::clone(&runner), open.clone());
        tokio::spawn(async move {
            let served = converse(&runner, stream).await;
            drop(open);
            served
        });
    };
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => serve(stream),
                // There is no descriptor for it, and none will come.
                Err(_) => break,
            },
            _ = &mut stopping => break,
        }
    }
    let _ = stopping.await;
    close(listener, &runner.requests)?.into_iter().for_each(serve);
    Ok(())
}

/// Stops listening, and returns the connections that were not accepted yet.
fn close(listener: UnixListener, path: &Path) -> io::Result<Vec<UnixStream>> {
    let _ = std::fs::remove_file(path);
    let listener = listener.into_std()?;
    rustix::net::shutdown(&listener, Shutdown::Read)?;
    let mut queued = Vec::new();
    while let Ok((stream, _)) = listener.accept() {
        stream.set_nonblocking(true)?;
        queued.push(UnixStream::from_std(stream)?);
    }
    Ok(queued)
}

async fn converse(runner: &Runner, mut stream: UnixStream) -> io::Result<()> {
    while let Some(request) = request(&mut stream).await? {
        if runner.start == Some(Start::DiesAtFirstRequest) {
            std::process::exit(9);
        }
        let mut words = request.path.trim_start_matches('/').split('/');
        let (kind, name) = (words.next(), words.next().unwrap_or_default());
        let way = named(name).filter(|_| kind == Some("answer"));
        if way == Some(Answer::Reset) {
            return reset(stream, "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nsome").await;
        }
        request.read_body(&mut stream).await?;
        if runner.deadlocked.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        match (kind, name) {
            (Some("answer"), _) => match way {
                Some(Answer::Closed) => return Ok(()),
                Some(way) => answer(runner, &mut stream, way).await?,
                None => respond(&mut stream, "404 Not Found", "", "").await?,
            },
            (Some("check"), way) => {
                well(runner, &mut stream, &Children::default()).await?;
                if let Some(way) = named(way) {
                    runner.check.send_replace(way);
                }
            }
            (Some("do"), deed) => {
                let deed = named(deed);
                let children = deed.map(process::start_children).transpose()?.unwrap_or_default();
                well(runner, &mut stream, &children).await?;
                deed.map(|deed| process::perform(runner, deed)).transpose()?;
            }
            _ => well(runner, &mut stream, &Children::default()).await?,
        }
    }
    Ok(())
}

async fn well(runner: &Runner, stream: &mut UnixStream, children: &Children) -> io::Result<()> {
    let last = runner.closing.load(Ordering::Relaxed);
    let body = json!({ "runner": runner.id, "pid": std::process::id(), "children": children });
    respond(stream, "200 OK", if last { "connection: close\r\n" } else { "" }, &body.to_string()).await
}

async fn answer(runner: &Runner, stream: &mut UnixStream, way: Answer) -> io::Result<()> {
    match way {
        Answer::Never | Answer::Closed | Answer::Reset => std::future::pending().await,
        Answer::EndlessHead => without_end(stream, "HTTP/1.1 200 OK\r\n", "x-more: and more\r\n").await,
        Answer::EndlessBody => {
            without_end(stream, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "4\r\nmore\r\n")
                .await
        }
        Answer::WrongFraming => respond(stream, "200 OK", "content-length: several\r\n", "{}").await,
        Answer::Informed => without_end(stream, "", "HTTP/1.1 103 Early Hints\r\n\r\n").await,
        Answer::Redirected => {
            respond(stream, "307 Temporary Redirect", "location: /answer/redirected\r\n", "").await
        }
        Answer::HalfClosed => {
            well(runner, stream, &Children::default()).await?;
            stream.shutdown().await
        }
        Answer::Asking => {
            let body = json!({ "runner": runner.id }).to_string();
            respond(stream, "200 OK", "x-fal-runner-health-check: true\r\n", &body).await
        }
    }
}
