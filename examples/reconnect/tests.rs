//! Tests with their own Redis server, which listens on a socket in a temporary directory.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fal_runtime::testing::{Failure, TestApp};

use super::*;

/// Nothing here takes this long; it only makes a failing test end.
const GUARD: Duration = Duration::from_secs(30);

struct Redis {
    directory: tempfile::TempDir,
    server: Option<Child>,
}

impl Redis {
    async fn start() -> Self {
        let mut redis = Self { directory: tempfile::tempdir().unwrap(), server: None };
        redis.start_again().await;
        redis
    }

    async fn start_again(&mut self) {
        let server = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"])
            .arg(self.socket())
            .current_dir(self.directory.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        self.server = Some(server);
        let begun = Instant::now();
        // Redis does not report when it listens.
        while Counter::connect(&self.url()).await.is_err() {
            assert!(begun.elapsed() < GUARD, "redis-server does not listen");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = server.kill();
            let _ = server.wait();
        }
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("redis.sock")
    }

    fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.stop();
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn visitors() -> Input {
    Input { name: "visitors".to_owned() }
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn a_lost_connection_is_a_warning_if_it_can_be_made_again_and_a_failure_if_not() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).init();
    let mut redis = Redis::start().await;
    let app = TestApp::of(Counter::connect(&redis.url()).await.unwrap()).unwrap();
    assert_eq!(app.call(Counter::count, visitors()).await.unwrap().count, 1);
    assert_eq!(app.health().await, Ok(()));
    assert!(!log.take().contains("WARN"));

    // The server is there, and the connection is not.
    let mut other = app.client.get_multiplexed_async_connection().await.unwrap();
    let kill = cmd("CLIENT").arg(&["KILL", "TYPE", "normal", "SKIPME", "yes"]).clone();
    assert!(kill.query_async::<u32>(&mut other).await.unwrap() >= 1);
    assert_eq!(app.health().await, Ok(()));
    let logged = log.take();
    assert!(logged.contains("WARN") && logged.contains("the connection to Redis is lost"), "{logged}");
    assert!(logged.contains("INFO") && logged.contains("reconnected to Redis"), "{logged}");
    assert_eq!(app.call(Counter::count, visitors()).await.unwrap().count, 2);

    // Neither is there.
    redis.stop();
    assert_eq!(app.health().await, Err(Failure::Status(500)));
    let why = app.call(Counter::health, ()).await.unwrap_err().to_string();
    assert!(why.starts_with("failed to reconnect to Redis: "), "{why}");
    assert!(app.call(Counter::count, visitors()).await.is_err());

    // A pass resets what had failed.
    redis.start_again().await;
    assert_eq!(app.health().await, Ok(()));
    assert_eq!(app.call(Counter::count, visitors()).await.unwrap().count, 1);
    app.stop().await.unwrap();
}

#[test]
fn without_a_redis_setup_says_what_to_install() {
    let nowhere = tempfile::tempdir().unwrap();
    let url = format!("redis+unix://{}/redis.sock", nowhere.path().display());
    let program = std::env::current_exe().unwrap();
    let told = Command::new(program)
        .args(["--exact", "tests::setup_as_a_process", "--nocapture"])
        .env("RECONNECT_SETUP", "1")
        .env("REDIS_URL", url)
        .output()
        .unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(told.contains("setup says: cannot connect to Redis: start it with `redis-server` ("), "{told}");
}

/// Not a test: what the one above runs, since a variable is for a whole process.
#[test]
fn setup_as_a_process() {
    if std::env::var_os("RECONNECT_SETUP").is_some() {
        let error = TestApp::<Counter>::start().wait().unwrap_err();
        println!("setup says: {error}");
    }
}
