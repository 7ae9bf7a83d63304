//! `serve`: one runner without a host (S28, S42).

use std::path::Path;

use fal_tests::Answer;
use rustix::process::Signal;

use crate::harness::*;

fn serve(director: &Director, app: &str, listen: &str) -> Program {
    Program::start(fixture(director).args(["serve", "--app", app, "--listen", listen]))
}

#[tokio::test]
async fn a_bare_runner_serves_on_tcp_says_where_and_strips_nothing_s28d_s58a() {
    let director = Director::new();
    let mut runner = serve(&director, "scripted", "tcp:127.0.0.1:0");
    let address = runner.address().await;
    let pending = Pending::new(address, &Request::call("a")).await;
    director.call("a").await.answer(Answer::ok().asking().stopping()).await;
    let response = pending.response().await;
    assert_eq!(response.status, 200);
    // A platform in front of it removes the header, and acts on it.
    assert_eq!((response.header(ASKS), response.header(STOPS)), (Some("true"), Some("true")));
    let mut client = Client::tcp(address).await;
    assert_eq!(client.exchange(&Request::get("/health")).await.status, 200);
    director.answer(Kind::Check, Answer::fail());
    assert_eq!(client.exchange(&Request::new("POST", "/health")).await.status, 500);
    runner.signal(Signal::TERM);
    assert_eq!(runner.exit().await, Some(0));
    assert_eq!((director.count(Kind::HandleExit), director.count(Kind::Teardown)), (1, 1));
}

#[tokio::test]
async fn a_bare_runner_serves_on_a_unix_socket_which_it_removes() {
    let director = Director::new();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("runner.sock");
    let mut runner = serve(&director, "scripted", &format!("unix:{}", path.display()));
    runner.stdout.line("serves on unix:").await;
    let mut client = Client::unix(Path::new(&path)).await;
    client.send(&Request::call("a")).await;
    director.call("a").await.succeed().await;
    assert_eq!(client.response().await.status, 200);
    runner.signal(Signal::TERM);
    assert_eq!(runner.exit().await, Some(0));
    assert!(!path.exists());
}

#[tokio::test]
async fn a_setup_that_fails_ends_a_bare_runner_with_3_and_nothing_ever_listens() {
    let director = Director::new();
    director.answer(Kind::Setup, Answer::fail());
    let mut runner = serve(&director, "scripted", "tcp:127.0.0.1:0");
    assert_eq!(runner.exit().await, Some(3));
    runner.stderr.line("told to fail").await;
    assert_eq!(runner.stdout.text(), "");
}

#[tokio::test]
async fn sigterm_during_setup_ends_a_bare_runner_with_143_and_nothing_else_is_called_s42e() {
    for app in ["scripted", "blocking"] {
        let director = Director::new();
        director.hold(Kind::Setup);
        let mut runner = serve(&director, app, "tcp:127.0.0.1:0");
        let setup = director.next(Kind::Setup).await;
        runner.signal(Signal::TERM);
        assert_eq!(runner.exit().await, Some(143));
        setup.abandoned().await;
        assert_eq!(director.asked().len(), 1);
    }
}

#[tokio::test]
async fn a_call_that_outlives_the_grace_period_is_named_and_teardown_is_skipped_s42c() {
    let director = Director::new();
    // The grace period of this app is one second.
    let mut runner = serve(&director, "blocking", "tcp:127.0.0.1:0");
    let pending = runner.call("stuck").await;
    let call = director.call("stuck").await;
    runner.signal(Signal::TERM);
    assert_eq!(runner.exit().await, Some(4));
    runner.stderr.line("teardown is skipped /call").await;
    assert_eq!((director.count(Kind::HandleExit), director.count(Kind::Teardown)), (1, 0));
    call.abandoned().await;
    drop(pending);
}

#[tokio::test]
async fn ctrl_c_stops_a_bare_runner_in_order_and_a_second_one_at_once() {
    let director = Director::new();
    let mut runner = serve(&director, "scripted", "tcp:127.0.0.1:0");
    let pending = runner.call("slow").await;
    let call = director.call("slow").await;
    runner.interrupt();
    director.asked_times(1, 0, Kind::HandleExit).await;
    assert_eq!(runner.insist(Signal::INT).await, Some(130));
    call.abandoned().await;
    drop(pending);
    assert_eq!(director.count(Kind::Teardown), 0);
}

#[tokio::test]
async fn signals_that_arrive_at_once_stop_a_bare_runner_in_order() {
    let director = Director::new();
    let mut runner = serve(&director, "scripted", "tcp:127.0.0.1:0");
    let pending = runner.call("slow").await;
    let call = director.call("slow").await;
    runner.signal(Signal::STOP);
    runner.signal(Signal::TERM);
    runner.signal(Signal::INT);
    runner.signal(Signal::CONT);
    director.asked_times(1, 0, Kind::HandleExit).await;
    call.succeed().await;
    assert_eq!(pending.response().await.status, 200);
    assert_eq!(runner.exit().await, Some(0));
    assert_eq!(director.count(Kind::Teardown), 1);
}

#[tokio::test]
async fn an_address_that_is_taken_is_named_by_a_bare_runner_before_its_setup() {
    let director = Director::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("taken.sock");
    let _taken = std::os::unix::net::UnixListener::bind(&path).unwrap();
    for address in [format!("tcp:{}", taken.local_addr().unwrap()), format!("unix:{}", path.display())] {
        let mut runner = serve(&director, "scripted", &address);
        assert_eq!(runner.exit().await, Some(1));
        runner.stderr.line(&format!("{address} another `--listen`")).await;
    }
    assert_eq!(director.asked().len(), 0);
}

#[tokio::test]
async fn connections_are_refused_while_a_bare_runner_is_in_setup() {
    let director = Director::new();
    director.hold(Kind::Setup);
    // No other test listens here.
    let free = std::net::TcpListener::bind("127.0.0.2:0").unwrap().local_addr().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("runner.sock");
    for address in [format!("tcp:{free}"), format!("unix:{}", path.display())] {
        let mut runner = serve(&director, "scripted", &address);
        let setup = director.next(Kind::Setup).await;
        assert!(Client::is_refused(free).await && !path.exists());
        setup.succeed().await;
        runner.stdout.line("serves on").await;
        runner.signal(Signal::TERM);
        assert_eq!(runner.exit().await, Some(0));
    }
}

#[tokio::test]
async fn a_bare_runner_answers_probes_before_setup_and_until_its_end_s67b_s67c() {
    let director = Director::new();
    director.hold(Kind::Setup);
    let mut command = fixture(&director);
    command.args(["serve", "--app=scripted", "--listen=tcp:127.0.0.1:0", "--probes=127.0.0.1:0"]);
    let mut runner = Program::start(command.args(["--lame-duck=1h", "--drain-timeout=1h"]));
    let probes = runner.probes().await;
    let probe = async |path: &str| Client::tcp(probes).await.exchange(&Request::get(path)).await.status;
    let setup = director.next(Kind::Setup).await;
    assert_eq!((probe("/livez").await, probe("/readyz").await, probe("/health").await), (200, 503, 503));
    setup.succeed().await;
    runner.address().await;
    assert_eq!((probe("/readyz").await, probe("/health").await, probe("/call").await), (200, 200, 404));
    director.answer(Kind::Check, Answer::fail());
    assert_eq!((probe("/readyz").await, probe("/health").await, probe("/healthz").await), (200, 500, 200));

    runner.signal(Signal::TERM);
    runner.stderr.line("stops soon").await;
    assert_eq!((probe("/livez").await, probe("/readyz").await), (200, 503));
    let pending = runner.call("late").await;
    director.call("late").await.succeed().await;
    let response = pending.response().await;
    assert_eq!((response.status, response.header("connection")), (200, Some("close")));
    let slow = runner.call("slow").await;
    let call = director.call("slow").await;
    // The second signal ends the lame duck, and a call in flight has its drain timeout still.
    let address = runner.address().await;
    while tokio::net::TcpStream::connect(address).await.is_ok() {
        runner.signal(Signal::TERM);
    }
    assert_eq!((probe("/livez").await, director.count(Kind::HandleExit)), (200, 0));
    call.succeed().await;
    assert_eq!(slow.response().await.status, 200);
    assert_eq!(runner.exit().await, Some(0));
    assert_eq!((director.count(Kind::HandleExit), director.count(Kind::Teardown)), (1, 1));
}

#[tokio::test]
async fn the_grace_period_of_a_bare_runner_can_be_set_s42c() {
    let director = Director::new();
    let mut command = fixture(&director);
    command.env("FAL_GRACE", "100ms").env("FAL_LISTEN", "127.0.0.1:0").args(["serve", "--app=scripted"]);
    let mut runner = Program::start(&mut command);
    let pending = runner.call("stuck").await;
    let call = director.call("stuck").await;
    runner.signal(Signal::TERM);
    // The app's own grace period is 20 s.
    assert_eq!(runner.exit().await, Some(4));
    runner.stderr.line("teardown is skipped: after 75ms").await;
    call.abandoned().await;
    drop(pending);
}

/// A bare runner that acts on responses that ask for a check.
fn acting(director: &Director, what: &str) -> Program {
    let mut command = fixture(director);
    command.args(["serve", "--app=scripted", "--listen=tcp:127.0.0.1:0"]);
    Program::start(command.args(["--on-manual-failure", what]))
}

#[tokio::test]
async fn a_bare_runner_that_fails_the_check_it_asked_for_stops_with_6_s68a_s68b() {
    let director = Director::new();
    let mut runner = acting(&director, "exit");
    let pending = runner.call("asks").await;
    director.call("asks").await.answer(Answer::ok().asking()).await;
    let response = pending.response().await;
    assert_eq!((response.status, response.header(ASKS)), (200, None), "its client must not see it");
    director.asked_times(1, 0, Kind::ManualCheck).await;
    director.hold(Kind::ManualCheck);
    let slow = runner.call("slow").await;
    let call = director.call("slow").await;
    // Several requests for a check during a check share one more (S31).
    let pending = runner.call("asks").await;
    director.call("asks").await.answer(Answer::ok().asking()).await;
    pending.response().await;
    let check = director.next(Kind::ManualCheck).await;
    for _ in 0..3 {
        let pending = runner.call("asks").await;
        director.call("asks").await.answer(Answer::ok().asking()).await;
        pending.response().await;
    }
    check.succeed().await;
    let last = director.next(Kind::ManualCheck).await;
    last.answer(Answer::fail()).await;
    runner.stderr.line("stops: it failed the health check status: 500").await;
    call.succeed().await;
    assert_eq!(slow.response().await.status, 200);
    assert_eq!(runner.exit().await, Some(6));
    assert_eq!((director.count(Kind::ManualCheck), director.count(Kind::Teardown)), (3, 1));
}

#[tokio::test]
async fn a_bare_runner_that_is_set_to_ignore_makes_no_check_s68a_s68b() {
    let director = Director::new();
    let mut runner = acting(&director, "ignore");
    let pending = runner.call("asks").await;
    director.call("asks").await.answer(Answer::ok().asking()).await;
    assert_eq!(pending.response().await.header(ASKS), None);
    runner.signal(Signal::TERM);
    assert_eq!(runner.exit().await, Some(0));
    assert_eq!(director.count(Kind::ManualCheck), 0);
}
