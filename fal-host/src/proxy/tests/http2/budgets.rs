//! Clients of HTTP/2 that flood the host with frames (S51d).

use tracing::Level;

use super::frames::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, FramePeer, GOAWAY, HEADERS, PING, RST_STREAM, SETTINGS,
    WINDOW_UPDATE, field, frame, get, get_fields, reset,
};
use crate::RunnerId;
use crate::proxy::Limits;
use crate::proxy::tests::log::Log;
use crate::proxy::tests::rig::limits;
use crate::proxy::tests::{Rig, until, within};

/// More of anything than a client may send.
const FLOOD: usize = 20_000;

/// A client of another connection is served.
async fn serves_others(rig: &mut Rig) {
    let runner = rig.runner();
    let (mut client, mut connection) = rig.request("/", &runner).await;
    connection.answer("served").await;
    assert_eq!(client.message().await.body, "served");
}

#[tokio::test]
async fn a_client_that_resets_its_requests_rapidly_loses_its_connection_s51d() {
    let mut rig = Rig::new().await;
    let mut peer = FramePeer::connect(&rig).await;
    let mut requests = 0;
    for stream in (1..).step_by(2).take(FLOOD) {
        if !peer.send(&[get(stream), reset(stream)].concat()).await {
            break;
        }
        requests += 1;
    }
    assert!(requests < FLOOD, "{requests}");
    until(|| rig.balancer.waiting() == 0).await;
    serves_others(&mut rig).await;
    assert!(rig.balancer.take_asked().is_empty() && rig.has_no_report());
}

#[tokio::test]
async fn the_requests_that_a_client_resets_reach_a_runner_only_within_the_budget_s51d() {
    let mut rig = Rig::with(Limits { max_multiplexing: 1_000, ..limits() }).await;
    let runner = rig.runner();
    let mut peer = FramePeer::connect(&rig).await;
    let flood: Vec<u8> =
        (1..4_000).step_by(2).flat_map(|stream| [get(stream), reset(stream)].concat()).collect();
    // It may be cut off before all is written.
    peer.send(&flood).await;
    while peer.receive().await.is_some() {}
    let mut reached = 0;
    while let Ok(stream) = tokio::time::timeout(std::time::Duration::ZERO, runner.stream()).await {
        drop(stream);
        reached += 1;
    }
    assert!(reached <= 200, "{reached}");
    until(|| rig.balancer.in_flight(RunnerId::new(1)) == 0).await;
}

#[tokio::test]
async fn a_client_that_resets_a_few_requests_keeps_its_connection_s51d() {
    let mut rig = Rig::new().await;
    let mut peer = FramePeer::connect(&rig).await;
    for stream in (1..=99).step_by(2) {
        assert!(peer.send(&[get(stream), reset(stream)].concat()).await);
    }
    assert!(peer.send(&[get(101), frame(PING, 0, 0, &[0; 8])].concat()).await);
    peer.receive_kind(PING).await.unwrap();
    until(|| rig.balancer.waiting() == 1).await;
    let runner = rig.runner();
    let mut connection = runner.accept().await;
    connection.message().await;
    connection.answer("ok").await;
    assert_eq!(peer.receive_kind(HEADERS).await.unwrap().stream, 101);
}

#[tokio::test]
async fn floods_of_frames_without_a_request_end_the_connection_s51d_s84b() {
    let floods = [
        ("pings", frame(PING, 0, 0, &[0; 8])),
        ("settings", frame(SETTINGS, 0, 0, &[])),
        ("acknowledged settings", frame(SETTINGS, 1, 0, &[])),
        ("priorities", frame(2, 0, 1, &[0, 0, 0, 0, 1])),
        ("flow control", frame(WINDOW_UPDATE, 0, 0, &1_u32.to_be_bytes())),
        ("unknown frames", frame(0x42, 0, 0, &[])),
    ];
    let mut rig = Rig::new().await;
    let before = rig.balancer.refused();
    for (name, flood) in &floods {
        let mut peer = FramePeer::connect(&rig).await;
        assert!(peer.flood(flood, 1_000_000).await, "{name}");
    }
    let refused = serde_json::to_value(rig.balancer.refused_since(&before)).unwrap();
    assert_eq!(refused[0]["error_type"], "http2_frames");
    assert_eq!(refused[1], serde_json::Value::Null, "and not as a slow reader (S84b)");
    serves_others(&mut rig).await;
}

#[tokio::test]
async fn the_requests_of_a_client_that_is_cut_off_for_its_frames_have_not_timed_out_s51d_s84b() {
    let (log, _guard) = Log::start(Level::INFO);
    let mut rig = Rig::with(Limits { access_log: true, ..limits() }).await;
    let runner = rig.runner();
    let before = rig.balancer.refused();
    let mut peer = FramePeer::connect(&rig).await;
    assert!(peer.send(&get(1)).await);
    let mut connection = runner.accept().await;
    connection.message().await;
    assert!(peer.flood(&frame(PING, 0, 0, &[0; 8]), 1_000_000).await);
    connection.closed().await;
    let refused = serde_json::to_value(rig.balancer.refused_since(&before)).unwrap();
    assert_eq!(refused[0]["error_type"], "http2_frames");
    assert_eq!(refused[1], serde_json::Value::Null);
    let lines = log.lines();
    let access = lines.iter().find(|line| line.contains("duration_ms=")).expect("it is logged");
    assert!(access.contains("outcome=\"http2_frames\""), "{access}");
}

#[tokio::test]
async fn a_flood_of_empty_data_ends_the_connection_s51d() {
    let mut rig = Rig::new().await;
    let mut peer = FramePeer::connect(&rig).await;
    assert!(peer.send(&frame(HEADERS, END_HEADERS, 1, &get_fields())).await);
    assert!(peer.flood(&frame(DATA, 0, 1, &[]), 1_000_000).await);
    until(|| rig.balancer.waiting() == 0).await;
    serves_others(&mut rig).await;
}

#[tokio::test]
async fn a_head_without_end_ends_the_connection_s51d() {
    let mut rig = Rig::new().await;
    for part in [field("x", &"y".repeat(1_000)), Vec::new()] {
        let mut peer = FramePeer::connect(&rig).await;
        assert!(peer.send(&frame(HEADERS, END_STREAM, 1, &get_fields())).await);
        assert!(peer.flood(&frame(CONTINUATION, 0, 1, &part), 1_000_000).await);
    }
    serves_others(&mut rig).await;
}

#[tokio::test]
async fn a_head_that_is_too_large_is_answered_431_s51d_s43h() {
    let rig = Rig::new().await;
    let mut peer = FramePeer::connect(&rig).await;
    let mut fields = get_fields();
    for _ in 0..10 {
        fields.extend(field("x", &"y".repeat(4_000)));
    }
    let (first, rest) = fields.split_at(16_000);
    let mut parts = rest.chunks(16_000).peekable();
    assert!(peer.send(&frame(HEADERS, END_STREAM, 1, first)).await);
    while let Some(part) = parts.next() {
        let flags = if parts.peek().is_none() { END_HEADERS } else { 0 };
        assert!(peer.send(&frame(CONTINUATION, flags, 1, part)).await);
    }
    let head = peer.receive_kind(HEADERS).await.unwrap();
    // `:status` by its index, and `431` compressed.
    assert!(head.payload.starts_with(&[0x48, 0x83, 0x69, 0x90, 0xff]), "{head:?}");
}

#[tokio::test]
async fn a_request_beyond_the_limit_on_streams_is_refused_s51d() {
    let rig = Rig::new().await;
    let mut peer = FramePeer::connect(&rig).await;
    // The limit applies from the acknowledgement of the host's settings on.
    peer.receive_kind(SETTINGS).await.unwrap();
    assert!(peer.send(&frame(SETTINGS, 1, 0, &[])).await);
    for stream in (1..=201).step_by(2) {
        assert!(peer.send(&get(stream)).await);
    }
    let refused = peer.receive_kind(RST_STREAM).await.unwrap();
    assert_eq!((refused.stream, refused.payload), (201, 7_u32.to_be_bytes().to_vec()));
    until(|| rig.balancer.waiting() == 100).await;
}

#[tokio::test]
async fn malformed_frames_end_the_connection_and_say_so_s51d() {
    let malformed = [
        ("data of stream 0", frame(DATA, 0, 0, b"x")),
        ("a frame that is too large", frame(DATA, 0, 1, &vec![0; 20_000])),
        ("a continuation of nothing", frame(CONTINUATION, END_HEADERS, 1, &[])),
        ("a short ping", frame(PING, 0, 0, &[0])),
        ("a head that is not HPACK", frame(HEADERS, END_HEADERS | END_STREAM, 1, &[0xff; 20])),
        ("an even stream", get(2)),
    ];
    let mut rig = Rig::new().await;
    for (name, bytes) in malformed {
        let mut peer = FramePeer::connect(&rig).await;
        peer.send(&bytes).await;
        assert!(peer.receive_kind(GOAWAY).await.is_some(), "{name}");
        while within(peer.receive()).await.is_some() {}
    }
    serves_others(&mut rig).await;
}

#[tokio::test]
async fn fields_of_one_connection_are_malformed_in_http_2_s51b_s45b() {
    let mut rig = Rig::new().await;
    let mut peer = FramePeer::connect(&rig).await;
    for (stream, (name, value)) in [1, 3, 5].into_iter().zip([
        ("connection", "x"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "websocket"),
    ]) {
        let fields = [get_fields(), field(name, value)].concat();
        assert!(peer.send(&frame(HEADERS, END_HEADERS | END_STREAM, stream, &fields)).await);
        let reset = peer.receive_kind(RST_STREAM).await.unwrap();
        assert_eq!((reset.stream, reset.payload), (stream, 1_u32.to_be_bytes().to_vec()), "{name}");
    }
    serves_others(&mut rig).await;
}

#[tokio::test]
async fn the_settings_offer_no_websocket_over_http_2_s51c() {
    let rig = Rig::new().await;
    let mut peer = FramePeer::connect(&rig).await;
    let settings = peer.receive_kind(SETTINGS).await.unwrap().payload;
    let offered: Vec<u16> = settings.chunks(6).map(|it| u16::from_be_bytes([it[0], it[1]])).collect();
    // SETTINGS_ENABLE_CONNECT_PROTOCOL (RFC 8441, 3).
    assert!(!offered.is_empty() && !offered.contains(&8), "{offered:?}");
}
