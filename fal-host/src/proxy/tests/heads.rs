//! Clients that let the host wait for the head of a request.

use std::time::Duration;

use tokio::time::Instant;

use super::Rig;
use crate::proxy::client::HEAD_TIMEOUT;
use crate::proxy::timer::TickClock;

/// The limit, as exact as it is kept.
fn is_the_limit(waited: Duration) -> bool {
    waited.abs_diff(HEAD_TIMEOUT) <= TickClock::LONGEST_TICK * 2
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_finish_the_head_of_its_request_is_cut_off() {
    let rig = Rig::new().await;
    let mut client = rig.client().await;
    let began = Instant::now();
    client.send("GET / HTTP/1.1\r\nhost: ").await;
    client.closed_at_last().await;
    assert!(is_the_limit(began.elapsed()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_idle_client_connection_is_closed() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = rig.get("/").await;
    let mut connection = runner.accept().await;
    connection.message().await;
    connection.answer("ok").await;
    client.message().await;
    let began = Instant::now();
    client.closed_at_last().await;
    assert!(is_the_limit(began.elapsed()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_waits_for_its_answer_is_not_cut_off() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = rig.get("/").await;
    let mut connection = runner.accept().await;
    connection.message().await;
    tokio::time::advance(HEAD_TIMEOUT * 2).await;
    connection.answer("late").await;
    assert_eq!(client.message().await.body, "late");
}
