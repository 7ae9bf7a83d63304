//! How connections of HTTP/2 end when the host stops (S41, S66).

use std::time::Duration;

use super::client::{Http2Client, answered};
use super::frames::{END_STREAM, FramePeer, GOAWAY, HEADERS, PING, frame, get, get_fields};
use crate::proxy::tests::rig::limits;
use crate::proxy::tests::{Rig, within};
use crate::proxy::{Limits, Report};

/// The flag of the answer to a ping.
const ACK: u8 = 1;

/// The last stream that a GOAWAY names.
fn last_stream(payload: &[u8]) -> u32 {
    u32::from_be_bytes(payload[..4].try_into().unwrap())
}

#[tokio::test]
async fn a_host_that_stops_finishes_the_requests_in_flight_s51b_s41b() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = Http2Client::connect(&rig).await;
    let response = client.get("/");
    let mut connection = runner.accept().await;
    connection.message().await;
    rig.stop_server();
    connection.answer("in time").await;
    assert_eq!(answered(response).await.body.unwrap(), "in time");
    assert!(within(client.connection).await.unwrap().is_ok());
    rig.server_ended().await;
}

#[tokio::test]
async fn a_request_without_its_end_does_not_keep_a_host_from_stopping_s51b_s41b() {
    let mut rig = Rig::new().await;
    let mut peer = FramePeer::connect(&rig).await;
    peer.receive().await.unwrap();
    assert!(peer.send(&frame(HEADERS, END_STREAM, 1, &get_fields())).await);
    rig.stop_server();
    tokio::time::pause();
    let server = rig.server.take().unwrap();
    tokio::time::timeout(Duration::from_secs(60), server).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_client_is_served_until_it_has_answered_that_the_connection_closes_s51b_s66c() {
    let mut rig = Rig::with(Limits { linger: Duration::from_secs(600), ..limits() }).await;
    let runner = rig.runner();
    let mut peer = FramePeer::connect(&rig).await;
    assert!(peer.send(&get(1)).await);
    let mut connection = runner.accept().await;
    connection.message().await;
    connection.answer("first").await;
    peer.receive_kind(HEADERS).await.unwrap();
    rig.balancer.stop();
    rig.stop_server();
    // The control side removes a runner that drains.
    rig.balancer.remove(runner.id);
    assert_eq!(last_stream(&peer.receive_kind(GOAWAY).await.unwrap().payload), u32::MAX >> 1);
    let ping = peer.receive_kind(PING).await.unwrap();
    assert!(peer.send(&get(3)).await);
    connection.message().await;
    connection.answer("served").await;
    assert_eq!(peer.receive_kind(HEADERS).await.unwrap().stream, 3);
    assert!(rig.has_no_report());
    assert!(peer.send(&frame(PING, ACK, 0, &ping.payload)).await);
    assert_eq!(last_stream(&peer.receive_kind(GOAWAY).await.unwrap().payload), 3);
    assert_eq!(rig.report().await, Report::Drained(runner.id));
    rig.server_ended().await;
}

#[tokio::test]
async fn a_client_that_does_not_answer_is_waited_for_as_long_as_any_other_s51b_s66c() {
    let mut rig = Rig::new().await;
    let (runner, idle) = (rig.runner(), rig.runner());
    let mut peer = FramePeer::connect(&rig).await;
    assert!(peer.send(&get(1)).await);
    let mut connection = tokio::select! {
        connection = runner.accept() => connection,
        connection = idle.accept() => connection,
    };
    connection.message().await;
    rig.balancer.stop();
    rig.stop_server();
    rig.balancer.remove(runner.id);
    rig.balancer.remove(idle.id);
    // Its request goes on, and the other runner is not kept for more.
    assert!(matches!(rig.report().await, Report::Drained(_)));
    connection.answer("last").await;
    peer.receive_kind(HEADERS).await.unwrap();
    assert!(matches!(rig.report().await, Report::Drained(_)));
}
