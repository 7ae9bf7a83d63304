//! What clients and probes notice of a host that stops: S66, S67.

use rustix::process::Signal;

use crate::harness::*;

#[tokio::test]
async fn a_lame_duck_is_not_ready_serves_new_connections_and_ends_at_a_second_signal_s66a_s67b() {
    let director = Director::new();
    director.hold(Kind::Setup);
    let arguments = ["--app", "scripted", "--lame-duck", "1h", "--probes", "127.0.0.1:0"];
    let mut host = Program::run(&director, &arguments);
    let probes = host.probes().await;
    let probe = async |path: &str| Client::tcp(probes).await.exchange(&Request::get(path)).await.status;
    let setup = director.next(Kind::Setup).await;
    assert_eq!((probe("/readyz").await, probe("/livez").await), (503, 200));
    setup.succeed().await;
    host.stderr.line("IDLE runner=1").await;
    assert_eq!(probe("/readyz").await, 200);

    host.signal(Signal::TERM);
    host.stderr.line("stops soon").await;
    assert_eq!((probe("/readyz").await, probe("/livez").await), (503, 200));
    assert_eq!(host.shows("/readyz").await.status, 503);
    let pending = host.call("late").await;
    director.call("late").await.succeed().await;
    let response = pending.response().await;
    assert_eq!((response.runner(), response.header("connection")), (1, Some("close")));

    let slow = host.call("slow").await;
    let call = director.call("slow").await;
    // A signal within 100 ms of the first is the first: it is sent until the host reacts.
    while !host.stderr.text().contains("DRAINING") {
        host.signal(Signal::TERM);
        tokio::task::yield_now().await;
    }
    call.succeed().await;
    assert_eq!(slow.response().await.status, 200);
    assert_eq!(host.exit().await, Some(0));
}
