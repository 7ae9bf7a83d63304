//! A peer that sends faster than the host works does not keep other tasks from running (S100).

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll};

use bytes::BytesMut;
use futures_util::FutureExt;
use http::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::task::coop::{has_budget_remaining, poll_proceed};

use super::{Rig, within};
use crate::proxy::departure::close_in_stages;
use crate::proxy::request_id::RequestIdField;
use crate::proxy::thread::ThreadIndex;
use crate::proxy::upstream::{AddedFields, Upstream};

/// The steps that tokio grants a task before others run.
const STEPS: usize = 128;

/// A connection to a runner that has sent all of `response` already.
async fn answered(rig: &mut Rig, response: &str) -> (Box<Upstream>, UnixStream) {
    let runner = rig.listening();
    let mut upstream = within(Upstream::open(&runner.address(), ThreadIndex::default())).await.unwrap();
    let added = AddedFields { id: &RequestIdField::new(), sender: "" };
    upstream.begin(&mut Request::default(), added);
    let mut connection = runner.stream().await;
    within(connection.write_all(response.as_bytes())).await.unwrap();
    (upstream, connection)
}

/// Reads a body of this many chunks of one byte. Returns how many were read in one turn at most.
async fn most_in_a_turn(chunks: usize) -> usize {
    let mut rig = Rig::new().await;
    let client = rig.unserved_client().await;
    let body = "1\r\nx\r\n".repeat(chunks);
    let response = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{body}0\r\n\r\n");
    let (mut upstream, _runner) = answered(&mut rig, &response).await;
    within(poll_fn(|cx| upstream.poll_response(&client, cx))).await.unwrap();
    let (mut most, mut all) = (0, 0);
    within(poll_fn(|cx| {
        let mut parts = 0;
        let polled = loop {
            match upstream.poll_part(&client, cx, BytesMut::split_to) {
                Poll::Ready(Some(part)) => parts += part.unwrap().data_ref().unwrap().len(),
                Poll::Ready(None) => break Poll::Ready(()),
                Poll::Pending => break Poll::Pending,
            }
        };
        most = most.max(parts);
        all += parts;
        polled
    }))
    .await;
    assert_eq!(all, chunks);
    most
}

#[tokio::test]
async fn a_body_of_tiny_chunks_is_read_in_many_turns_s100() {
    let most = most_in_a_turn(1000).await;
    assert!(most <= STEPS, "{most}");
}

#[tokio::test]
async fn a_few_parts_that_came_together_are_read_in_one_turn_s100() {
    assert_eq!(most_in_a_turn(20).await, 20);
}

#[tokio::test]
async fn an_upload_of_tiny_chunks_is_written_in_few_parts() {
    const CHUNKS: usize = 1000;
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    let head = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    client.send(&format!("{head}{}0\r\n\r\n", "1\r\nx\r\n".repeat(CHUNKS))).await;
    let mut connection = within(runner.stream()).await;
    let (mut received, mut reads) = (Vec::new(), 0);
    while !received.ends_with(b"0\r\n\r\n") {
        assert_ne!(within(connection.read_buf(&mut received)).await.unwrap(), 0);
        reads += 1;
    }
    assert!(received.len() > CHUNKS * "1\r\nx\r\n".len());
    assert!(reads <= CHUNKS / 100, "{reads}");
}

#[tokio::test]
async fn interim_responses_are_read_in_many_turns_s100() {
    let mut rig = Rig::new().await;
    let client = rig.unserved_client().await;
    let response = "HTTP/1.1 103 E\r\n\r\n".repeat(1000) + "HTTP/1.1 204 No Content\r\n\r\n";
    let (mut upstream, _runner) = answered(&mut rig, &response).await;
    let mut turns = 0;
    let response = within(poll_fn(|cx| {
        turns += 1;
        upstream.poll_response(&client, cx)
    }));
    assert_eq!(response.await.unwrap().status(), 204);
    assert!(turns > 1000 / STEPS, "{turns}");
}

#[tokio::test]
async fn what_the_host_discards_is_read_in_many_turns_s100() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (mut stream, _) = listener.accept().await.unwrap();
    within(client.write_all(&vec![b'x'; 64 * 1024])).await.unwrap();
    let mut closing = Box::pin(close_in_stages(&stream));
    // The last turn of a task that has done as much as it may.
    let polled = poll_fn(|cx| {
        exhaust(cx);
        Poll::Ready(closing.poll_unpin(cx))
    });
    assert!(polled.await.is_pending());
    drop(closing);
    drop(client);
    let mut rest = Vec::new();
    within(pin!(stream.read_to_end(&mut rest))).await.unwrap();
    assert!(rest.len() >= 48 * 1024, "{}", rest.len());
}

fn exhaust(cx: &mut Context<'_>) {
    while has_budget_remaining() {
        if let Poll::Ready(step) = poll_proceed(cx) {
            step.made_progress();
        }
    }
}
