//! What a host makes of the bytes of a client and of a runner. A real host forwards them over real sockets.
//!
//! An input is what the client sends and, after two zero bytes, what the runner answers to each request. No input may cause a
//! panic or take a permit forever. What reaches the runner, and what reaches the client, must be valid messages with one
//! possible end.

#![no_main]

use std::cell::RefCell;
use std::sync::Arc;

use fal_host::{AppSpec, HostHandle};
use libfuzzer_sys::fuzz_target;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::Mutex;
use tokio::time::timeout;

mod host;
#[path = "../../fal-host/src/proxy/tests/abuse/strict.rs"]
mod strict;

use host::{PATIENCE, chunked_length};
use strict::Strict;

fuzz_target!(|input: &[u8]| {
    let separator = input.windows(2).position(|window| window == [0, 0]);
    let (sent, answer) = separator.map_or((input, &b""[..]), |at| (&input[..at], &input[at + 2..]));
    // The method PRI is that of HTTP/2 (RFC 9113, 3.4): its client gets frames. They are what the target `frames` is for.
    if sent.starts_with(b"PRI") {
        return;
    }
    thread_local!(static RIG: RefCell<Option<Rig>> = const { RefCell::new(None) });
    RIG.with_borrow_mut(|rig| rig.get_or_insert_with(Rig::start).exchange(sent, answer));
});

/// A host with one runner, and the runner's listener.
struct Rig {
    runtime: Runtime,
    host: HostHandle,
    runner: Arc<Mutex<TcpListener>>,
}

impl Rig {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (host, listener) = runtime.block_on(host::start(AppSpec::new("fuzz")));
        Self { runtime, host, runner: Arc::new(Mutex::new(listener)) }
    }

    fn exchange(&self, sent: &[u8], answer: &[u8]) {
        self.runtime.block_on(async {
            let serving = tokio::spawn(host::serve(Arc::clone(&self.runner), answer.to_vec()));
            let mut client = TcpStream::connect(self.host.address()).await.expect("the host accepts");
            // The host may refuse a request before it has read all of it.
            let _ = client.write_all(sent).await;
            let _ = client.shutdown().await;
            let mut received = Vec::new();
            let reading = timeout(PATIENCE, client.read_to_end(&mut received)).await;
            // A reset is an end, too.
            let _ = reading.expect("the connection of a client that has closed its side ends");
            drop(client);
            check_responses(&received);
            host::released(&self.host).await;
            serving.abort();
            if let Err(error) = serving.await {
                assert!(error.is_cancelled(), "{error}");
            }
        });
    }
}

/// Checks that a client gets valid responses. The last one may be cut.
fn check_responses(mut received: &[u8]) {
    while !received.is_empty() {
        let response = Strict::response(received).expect("a valid response reaches the client");
        if matches!(response.status(), 101 | 204 | 304) {
            return;
        }
        let body = &received[received.len() - response.body.len()..];
        // A response to HEAD has a length and no body, and another response may follow it.
        if body.starts_with(b"HTTP/") {
            return;
        }
        let length = match response.all("content-length").next() {
            Some(length) => Some(length.parse().expect("a number")),
            None if response.all("transfer-encoding").next().is_some() => chunked_length(body),
            None => None,
        };
        let Some(rest) = length.and_then(|length: usize| body.get(length..)) else { return };
        received = rest;
    }
}
