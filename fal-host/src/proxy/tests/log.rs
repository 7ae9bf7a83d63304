//! What the log has of requests that the host fails.

use std::io;
use std::sync::{Arc, LazyLock, Mutex};

use tracing::subscriber::{DefaultGuard, NoSubscriber};
use tracing::{Dispatch, Level};

use super::overdue::{LIMIT, too_long};
use super::rig::limits;
use super::{Rig, until};
use crate::proxy::Limits;

/// What is logged on this thread, on which everything of a test runs.
#[derive(Clone, Default)]
pub(super) struct Log(Arc<Mutex<Vec<u8>>>);

/// With only one subscriber in the process, the thread that reaches a log line first decides whether the line is written. The
/// threads of other tests have no subscriber.
static SECOND_SUBSCRIBER: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::new()));

impl Log {
    pub(super) fn start(level: Level) -> (Self, DefaultGuard) {
        LazyLock::force(&SECOND_SUBSCRIBER);
        let log = Self::default();
        let writer = log.clone();
        let lines = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_ansi(false)
            .without_time()
            .with_target(false)
            .with_writer(move || writer.clone())
            .finish();
        (log, tracing::subscriber::set_default(lines))
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_runner_that_fails_a_request_is_a_warning_with_all_that_finds_the_request() {
    let (log, _guard) = Log::start(Level::INFO);
    let mut rig = Rig::with(Limits { request_timeout: Some(LIMIT), ..limits() }).await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    client.send("GET /slow?key=secret HTTP/1.1\r\nhost: a\r\nx-fal-request-id: mine-1\r\n\r\n").await;
    let mut connection = runner.accept().await;
    connection.message().await;
    too_long().await;
    assert_eq!(client.message().await.status(), 504);
    drop(connection);
    until(|| rig.balancer.in_flight(runner.id) == 0).await;
    rig.balancer.manual_check_started(runner.id);
    rig.balancer.manual_check_ended(runner.id);

    client
        .send("POST /lost HTTP/1.1\r\nhost: a\r\nx-fal-request-id: mine-2\r\ncontent-length: 0\r\n\r\n")
        .await;
    let mut connection = runner.accept().await;
    connection.message().await;
    drop(connection);
    assert_eq!(client.message().await.status(), 503);

    let [slow, lost] = log.lines().try_into().unwrap();
    assert_eq!(
        slow,
        " WARN The runner did not begin to answer within 60s. request_id=mine-1 method=GET path=\"/slow\" runner=1 \
         error_type=request_timeout"
    );
    assert_eq!(
        lost,
        " WARN The runner closed the connection after the request was sent and before it answered. request_id=mine-2 method=POST \
         path=\"/lost\" runner=1 error_type=runner_disconnected error=the runner closed the connection before the end of its response"
    );
}

#[tokio::test]
async fn requests_that_the_host_refuses_are_logged_at_debug_only() {
    for level in [Level::INFO, Level::DEBUG] {
        let (log, _guard) = Log::start(level);
        let mut rig = Rig::with(Limits { queue: 1, ..limits() }).await;
        let mut waiting = rig.get("/waits").await;
        until(|| rig.balancer.waiting() == 1).await;
        assert_eq!(rig.get("/refused").await.message().await.error_type(), "queue_full");
        rig.balancer.stop();
        assert_eq!(waiting.message().await.error_type(), "host_stopping");
        rig.stop_server();
        // The first one is a warning, too, with its cause.
        let is_each = |line: &String| line.contains("request_id=") && !line.contains("cause=");
        let refusals: Vec<_> = log.lines().into_iter().filter(is_each).collect();
        if level == Level::INFO {
            assert_eq!(refusals, Vec::<String>::new());
            continue;
        }
        let [full, stopping] = refusals.try_into().unwrap();
        for said in ["DEBUG", "method=GET", "path=\"/refused\"", "error_type=queue_full"] {
            assert!(full.contains(said), "{said}: {full}");
        }
        assert!(stopping.contains("error_type=host_stopping"), "{stopping}");
    }
}

#[tokio::test]
async fn of_a_request_that_succeeds_nothing_is_written() {
    let (log, _guard) = Log::start(Level::TRACE);
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let (mut client, mut connection) = rig.request("/", &runner).await;
    connection.answer("ok").await;
    assert_eq!(client.message().await.body, "ok");
    let ours = log.lines().into_iter().filter(|line| line.contains("request_id")).collect::<Vec<_>>();
    assert_eq!(ours, Vec::<String>::new());
}
