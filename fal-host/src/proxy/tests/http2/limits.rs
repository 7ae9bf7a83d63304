//! Clients of HTTP/2 that are slow, silent or idle.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tracing::Level;

use super::client::{Http2Client, answered, get, upload};
use super::frames::{DATA, FramePeer, GOAWAY, HEADERS, SETTINGS, WINDOW_UPDATE, frame, get as get_frame};
use crate::RunnerId;
use crate::proxy::Limits;
use crate::proxy::client_limits::HEAD_TIMEOUT;
use crate::proxy::tests::log::Log;
use crate::proxy::tests::overdue::{LIMIT, tick_through, too_long};
use crate::proxy::tests::rig::{FakeRunner, limits};
use crate::proxy::tests::{Rig, until, within};

#[tokio::test]
async fn a_stalled_upload_is_answered_408_and_the_other_streams_go_on_s51b_s43b_s28() {
    let mut rig = Rig::with(Limits { client_timeout: LIMIT, max_multiplexing: 2, ..limits() }).await;
    let runner = rig.runner();
    let mut client = Http2Client::connect(&rig).await;
    let other = client.get("/other");
    let mut two = runner.accept().await;
    two.message().await;
    let (mut body, request) = upload();
    let stalled = client.send(request);
    body.send_data(Bytes::from_static(b"a part")).await.unwrap();
    let mut one = runner.accept().await;
    one.head().await;
    assert_eq!(one.chunk().await.unwrap(), "a part");
    too_long().await;
    let answer = answered(stalled).await;
    assert_eq!((answer.status.as_u16(), answer.error_type().as_str()), (408, "client_timeout"));
    assert!(rig.balancer.take_asked().is_empty());
    one.closed().await;
    two.answer("other").await;
    assert_eq!(answered(other).await.body.unwrap(), "other");
}

#[tokio::test]
async fn an_upload_that_keeps_others_waiting_must_be_fast_s51b_s43i() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = Http2Client::connect(&rig).await;
    let (mut body, request) = upload();
    let slow = client.send(request);
    body.send_data(Bytes::from_static(b"a part")).await.unwrap();
    let mut connection = runner.accept().await;
    connection.head().await;
    let waiting = client.get("/waiting");
    until(|| rig.balancer.waiting() == 1).await;
    too_long().await;
    assert_eq!(answered(slow).await.status.as_u16(), 408);
    connection.closed().await;
    drop(connection);
    let mut connection = runner.accept().await;
    connection.message().await;
    connection.answer("served").await;
    assert_eq!(answered(waiting).await.body.unwrap(), "served");
}

/// A client that reads the head of a large response, and no more until it is cut off.
async fn unread_response(client: &mut Http2Client, runner: &FakeRunner) -> Response<Incoming> {
    let response = client.send_for_head(get("/large"));
    let mut connection = runner.accept().await;
    connection.message().await;
    connection.send("HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n").await;
    let response = within(response).await.unwrap().unwrap();
    // More than hyper's client takes before its caller reads.
    let part = "x".repeat(1 << 20);
    let sending = tokio::spawn(async move { while connection.send_at_last(&part).await.is_ok() {} });
    while !sending.is_finished() {
        too_long().await;
    }
    response
}

#[tokio::test]
async fn a_slow_reader_of_one_stream_has_the_same_name_everywhere_s51b_s84b_s84c() {
    let (log, _guard) = Log::start(Level::INFO);
    let mut rig = Rig::with(Limits { client_timeout: LIMIT, access_log: true, ..limits() }).await;
    let runner = rig.runner();
    let before = rig.balancer.refused();
    let mut client = Http2Client::connect(&rig).await;
    let _unread = unread_response(&mut client, &runner).await;
    until(|| !rig.balancer.refused_since(&before).is_empty()).await;
    let refused = serde_json::to_value(rig.balancer.refused_since(&before)).unwrap();
    assert_eq!((&refused[0]["error_type"], &refused[0]["count"]), (&"client_timeout".into(), &1.into()));
    let lines = log.lines();
    let named = |line: &&String| line.contains("path=\"/large\"") && line.contains("runner=1");
    let warning = lines.iter().filter(named).find(|line| line.contains(" WARN ")).expect("it is a warning");
    assert!(warning.contains("error_type=client_timeout"), "{warning}");
    let access = lines.iter().filter(named).find(|line| line.contains("duration_ms=")).expect("it is logged");
    assert!(access.contains("status=200") && access.contains("outcome=\"client_timeout\""), "{access}");
}

#[tokio::test]
async fn a_client_that_takes_no_more_of_a_response_loses_its_stream_alone_s51b_s43a() {
    let mut rig = Rig::with(Limits { client_timeout: LIMIT, ..limits() }).await;
    let runner = rig.runner();
    let mut client = Http2Client::connect(&rig).await;
    let response = unread_response(&mut client, &runner).await;
    until(|| rig.balancer.in_flight(RunnerId::new(1)) == 0).await;
    assert!(within(response.into_body().collect()).await.is_err());
    let next = client.get("/");
    let mut connection = runner.accept().await;
    connection.message().await;
    connection.answer("next").await;
    assert_eq!(answered(next).await.body.unwrap(), "next");
}

#[tokio::test]
async fn an_idle_connection_is_told_and_closed_s51b_s43h() {
    let rig = Rig::new().await;
    let mut peer = FramePeer::connect(&rig).await;
    peer.receive().await.unwrap();
    let began = tokio::time::Instant::now();
    tokio::time::pause();
    let mut is_told = false;
    // Answers nothing, not even the ping before the end.
    while let Some(received) = peer.receive_at_last().await {
        is_told |= received.kind == GOAWAY;
    }
    assert!(is_told);
    let took = began.elapsed();
    assert!((HEAD_TIMEOUT..HEAD_TIMEOUT * 2).contains(&took), "{took:?}");
}

#[tokio::test]
async fn an_idle_connection_makes_room_for_another_client_s51b_s43h() {
    let rig = Rig::with(Limits { clients: 1, ..limits() }).await;
    let mut peer = FramePeer::connect(&rig).await;
    peer.receive().await.unwrap();
    let _other = rig.client().await;
    tokio::time::pause();
    while peer.receive_at_last().await.is_some() {}
}

#[tokio::test]
async fn a_beginning_that_may_be_either_version_has_the_time_of_a_head_s51a() {
    let rig = Rig::new().await;
    let mut client = rig.client().await;
    client.send("PR").await;
    let began = tokio::time::Instant::now();
    tokio::time::pause();
    client.closed_at_last().await;
    assert!((HEAD_TIMEOUT..HEAD_TIMEOUT * 2).contains(&began.elapsed()));
}

#[tokio::test]
async fn a_method_that_begins_as_the_preface_does_is_http_1_1_s51a() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    client.send("PR").await;
    client.send("OPFIND / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let mut connection = runner.accept().await;
    assert_eq!(connection.message().await.start, "PROPFIND / HTTP/1.1");
    connection.answer("ok").await;
    assert_eq!(client.message().await.body, "ok");
    // One that sends no more is not waited for.
    let mut client = rig.client().await;
    client.send("PR").await;
    client.close_side().await;
    client.closed().await;
}

#[tokio::test]
async fn a_response_lasts_until_its_client_has_taken_it_although_it_was_there_at_once() {
    let (log, _guard) = Log::start(Level::INFO);
    let mut rig = Rig::with(Limits { access_log: true, ..limits() }).await;
    let runner = rig.runner();
    let mut peer = FramePeer::connect(&rig).await;
    let no_window = frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]);
    assert!(peer.send(&[no_window, get_frame(1)].concat()).await);
    let mut connection = runner.accept().await;
    connection.message().await;
    connection.answer("ok").await;
    peer.receive_kind(HEADERS).await.unwrap();
    tick_through(Duration::from_secs(10)).await;
    let window = frame(WINDOW_UPDATE, 0, 1, &100_u32.to_be_bytes());
    assert!(peer.send(&window).await);
    assert_eq!(peer.receive_kind(DATA).await.unwrap().payload, b"ok");
    let duration = || {
        let lines = log.lines();
        let (_, after) = lines.iter().find_map(|line| line.split_once("duration_ms="))?;
        after.split('.').next()?.split(' ').next()?.parse::<u64>().ok()
    };
    until(|| duration().is_some()).await;
    assert!(duration().unwrap() >= 10_000, "{:?}", log.lines());
}
