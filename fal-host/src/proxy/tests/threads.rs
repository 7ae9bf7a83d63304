//! Clients on several threads (S105).

use tokio::net::TcpStream;

use super::rig::{FakeRunner, limits};
use super::{Peer, Rig, until};
use crate::proxy::Limits;

/// Two threads, and two clients, each on another one.
async fn rig(permits: u32) -> (Rig, FakeRunner, [Peer<TcpStream>; 2]) {
    let mut rig = Rig::with_threads(Limits { max_multiplexing: permits, ..limits() }, 1).await;
    let runner = rig.runner();
    let clients = [rig.client().await, rig.client().await];
    (rig, runner, clients)
}

#[tokio::test]
async fn a_runner_gets_no_second_connection_for_the_client_of_another_thread_s105b() {
    let (_rig, runner, mut clients) = rig(1).await;
    clients[0].get("/first").await;
    let mut connection = runner.accept().await;
    for round in 0..6 {
        connection.message().await;
        connection.answer("ok").await;
        assert_eq!(clients[round % 2].message().await.status(), 200);
        clients[(round + 1) % 2].get("/next").await;
    }
}

#[tokio::test]
async fn each_thread_keeps_a_connection_of_its_own_where_the_runner_has_room_s105b() {
    let (rig, runner, mut clients) = rig(2).await;
    let mut connections = Vec::new();
    for client in &mut clients {
        client.get("/").await;
        let mut connection = runner.accept().await;
        connection.message().await;
        connection.answer("ok").await;
        assert_eq!(client.message().await.status(), 200);
        connections.push(connection);
        until(|| rig.balancer.kept(runner.id) == connections.len()).await;
    }
    for _ in 0..3 {
        for (client, connection) in clients.iter_mut().zip(&mut connections) {
            client.get("/again").await;
            connection.message().await;
            connection.answer("ok").await;
            assert_eq!(client.message().await.status(), 200);
        }
    }
}

#[tokio::test]
async fn a_permit_goes_to_the_request_that_has_waited_longest_on_whichever_thread_s38d_s105b() {
    let (rig, runner, [mut first, mut second]) = rig(1).await;
    let mut third = rig.client().await;
    first.get("/1").await;
    let mut connection = runner.accept().await;
    connection.message().await;
    second.get("/2").await;
    until(|| rig.balancer.waiting() == 1).await;
    third.get("/3").await;
    until(|| rig.balancer.waiting() == 2).await;
    for (path, client) in [("/2", &mut first), ("/3", &mut second)] {
        connection.answer("ok").await;
        assert_eq!(client.message().await.status(), 200);
        assert!(connection.message().await.start.starts_with(&format!("GET {path} ")));
    }
    connection.answer("ok").await;
    assert_eq!(third.message().await.status(), 200);
}

#[tokio::test]
async fn the_end_of_a_host_waits_for_the_responses_of_every_thread_s66_s105a() {
    let (mut rig, runner, mut clients) = rig(2).await;
    let mut connections = Vec::new();
    for client in &mut clients {
        client.get("/").await;
        let mut connection = runner.accept().await;
        connection.message().await;
        connections.push(connection);
    }
    rig.stop_server();
    rig.balancer.stop();
    for (mut client, mut connection) in clients.into_iter().zip(connections) {
        connection.answer("ok").await;
        assert_eq!(client.message().await.status(), 200);
    }
    rig.server_ended().await;
}
