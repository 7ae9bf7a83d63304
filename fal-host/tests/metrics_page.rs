//! What `/metrics` takes at many runners.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fal_health::metrics::{Histogram, MetricFamily, MetricKind};
use fal_host::{Address, AppSpec, Exit, Host, LaunchError, Launcher, RunnerHandle, RunnerId, StatusReporter};

const RUNNERS: usize = 1_000;

/// How long a client may wait for the whole page in the median, whatever runners have counted since the last one.
const LIMIT: Duration = Duration::from_millis(5);

/// Runners that only report.
#[derive(Clone, Default)]
struct Reporters(Arc<Mutex<Vec<StatusReporter>>>);

struct Reporting(StatusReporter);

impl Launcher for Reporters {
    fn launch(
        &mut self,
        _: RunnerId,
        reporter: StatusReporter,
    ) -> Result<Box<dyn RunnerHandle>, LaunchError> {
        reporter.ready();
        report(&reporter, 0);
        self.0.lock().unwrap().push(reporter.clone());
        Ok(Box::new(Reporting(reporter)))
    }
}

impl RunnerHandle for Reporting {
    fn address(&self) -> Address {
        Address::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 1)))
    }

    fn pid(&self) -> Option<u32> {
        None
    }

    fn terminate(&mut self) {
        self.0.exited(Exit::Status(0));
    }

    fn kill(&mut self) {
        self.terminate();
    }
}

/// What a runner of this SDK reports that has one endpoint.
fn report(runner: &StatusReporter, requests: u64) {
    let seconds =
        [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 30.0, 60.0];
    let durations = Histogram::new(&seconds);
    (0..requests).for_each(|_| durations.observe(0.0123));
    let labels = [("method", "POST"), ("path", "/generate"), ("status_code", "200")];
    let (counter, gauge) = (MetricKind::Counter, MetricKind::Gauge);
    for family in [
        MetricFamily::new(counter, "http_requests", "Requests.").with(labels, requests),
        MetricFamily::new(MetricKind::Histogram, "http_request_duration_seconds", "Their durations.")
            .with(labels, durations.value()),
        MetricFamily::new(gauge, "http_requests_in_progress", "Requests.").with([("method", "POST")], 1_u64),
        MetricFamily::new(gauge, "fal_app_info", "The app.").with([("version", "1.2.3")], 1_u64),
    ] {
        runner.metric(family);
    }
}

/// The page, and the time from the connection until it was read.
fn get(address: SocketAddr) -> (String, Duration) {
    let begin = Instant::now();
    let mut client = TcpStream::connect(address).unwrap();
    client.write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
    let mut response = Vec::new();
    client.read_to_end(&mut response).unwrap();
    let time = begin.elapsed();
    (String::from_utf8(response).unwrap(), time)
}

/// The median and the longest time of 101 pages, and the length of one.
fn measure(address: SocketAddr, mut before_each: impl FnMut()) -> (Duration, Duration, usize) {
    let mut length = 0;
    let mut times: Vec<_> = (0..101)
        .map(|_| {
            before_each();
            let (page, time) = get(address);
            length = page.len();
            time
        })
        .collect();
    times.sort();
    let median = times.get(times.len() / 2).unwrap();
    (*median, *times.last().unwrap(), length)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
#[ignore = "a command of its own, with --release: it measures"]
async fn the_page_of_a_thousand_runners_takes_five_milliseconds_at_most() {
    let reporters = Reporters::default();
    let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let host = Host::with_launcher(AppSpec::new("my-app"), reporters.clone())
        .listen(local)
        .admin(Some(local))
        .runners(NonZeroUsize::new(RUNNERS).unwrap())
        .start()
        .await
        .unwrap();
    let address = host.admin_address().unwrap();
    // Each replica has a series of this.
    while get(address).0.matches("\nfal_app_info{").count() < RUNNERS {
        tokio::task::yield_now().await;
    }
    let (quiet, longest, length) = measure(address, || {});
    println!("{length} bytes; nothing has changed: {quiet:?} in the median, {longest:?} at most");
    let (mut requests, mut reporting) = (0, Duration::ZERO);
    let (busy, longest, _) = measure(address, || {
        requests += 1;
        let begin = Instant::now();
        reporters.0.lock().unwrap().iter().for_each(|runner| report(runner, requests));
        reporting += begin.elapsed();
    });
    println!("every runner has counted a request: {busy:?} in the median, {longest:?} at most");
    println!("a runner's report of its four metrics takes {:?}", reporting / 101 / 1_000);
    drop(host);
    assert!(quiet.max(busy) < LIMIT, "the limit is {LIMIT:?}");
}
